namespace NetZero.Tensors;

/// <summary>Device memory on its way to the host, in stream order: see <see cref="DeviceStream.BeginCopyToHost"/>.</summary>
public abstract class HostRead
{
    /// <summary>Whether it has arrived. Never blocks.</summary>
    public abstract bool IsCompleted { get; }

    /// <summary>Waits until it has arrived and hands it over. What ended the stream before that is thrown here.</summary>
    /// <param name="destination">As many bytes as were asked for.</param>
    public abstract void Wait(Span<byte> destination);

    /// <summary>Bytes that the host has already.</summary>
    public static HostRead Of(ReadOnlySpan<byte> bytes) => new Arrived(bytes.ToArray());

    private sealed class Arrived(byte[] bytes) : HostRead
    {
        public override bool IsCompleted => true;

        public override void Wait(Span<byte> destination) => bytes.CopyTo(destination);
    }
}

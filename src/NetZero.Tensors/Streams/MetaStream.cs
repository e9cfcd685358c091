namespace NetZero.Tensors;

/// <summary>The stream of <see cref="Device.Meta"/>: kernels and copies are not done, calls on the host are.</summary>
internal sealed class MetaStream(string name) : DeviceStream(name)
{
    public override void Launch<TKernel>(in TKernel kernel)
    {
    }

    public override void Enqueue(Action work) => work();

    public override StreamEvent Record() => StreamEvent.Past;

    public override void WaitFor(StreamEvent reached)
    {
    }

    public override void Synchronize()
    {
    }

    public override void CopyToHost(nint source, Span<byte> destination) =>
        throw new InvalidOperationException("Tensors on Meta have no contents to copy.");

    public override HostRead BeginCopyToHost(nint source, int bytes) =>
        throw new InvalidOperationException("Tensors on Meta have no contents to copy.");

    public override void CopyFromHost(ReadOnlySpan<byte> source, nint destination)
    {
    }

    public override void Copy(nint source, nint destination, long bytes)
    {
    }

    public override void Dispose()
    {
    }
}

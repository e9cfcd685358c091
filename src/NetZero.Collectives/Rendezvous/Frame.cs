using System.Buffers.Binary;
using System.Text;

namespace NetZero.Collectives;

/// <summary>What ranks and their coordinator tell each other.</summary>
internal enum FrameKind : byte
{
    /// <summary>Rank: who I am and what I was started with.</summary>
    Hello,

    /// <summary>Coordinator: all are here and agree; where each one's memory is.</summary>
    Members,

    /// <summary>Rank: I have mapped everybody's memory.</summary>
    Mapped,

    /// <summary>Coordinator: all have.</summary>
    Go,

    /// <summary>Coordinator: this world does not come about, and why.</summary>
    Refused,

    /// <summary>Rank: I fail, and why. Coordinator: that rank fails.</summary>
    Failed,

    /// <summary>Coordinator: that rank's process is gone.</summary>
    Lost,

    /// <summary>Rank: my program has ended well, and what I called last. Coordinator: that rank's has.</summary>
    Left,

    /// <summary>Rank, then coordinator to all: say what you called last.</summary>
    AskRecords,

    /// <summary>Rank, then coordinator to all: what I called last.</summary>
    Records,

    /// <summary>Coordinator: I end, and nothing is wrong. Ranks end without me.</summary>
    Closing,
}

/// <summary>One message: its length, its kind, and fields in a fixed order.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Fields">The fields, as <see cref="BinaryWriter"/> writes them.</param>
internal readonly record struct Frame(FrameKind Kind, byte[] Fields)
{
    // A stranger on the port may send anything; nothing of ours comes near this.
    private const int LongestBytes = 16 << 20;

    public static Frame Of(FrameKind kind, Action<BinaryWriter>? fields = null)
    {
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
            fields?.Invoke(writer);
        return new Frame(kind, bytes.ToArray());
    }

    /// <summary>Reads the next message; null when the other side has closed.</summary>
    /// <exception cref="InvalidDataException">It is none of ours.</exception>
    public static async Task<Frame?> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        var head = new byte[sizeof(int) + 1];
        if (await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false) < head.Length)
            return null;
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 0 or > LongestBytes || head[^1] > (byte)FrameKind.Closing)
            throw new InvalidDataException("The other side of the connection does not speak as ranks of NetZero do.");
        var fields = new byte[length];
        await stream.ReadExactlyAsync(fields, cancellation).ConfigureAwait(false);
        return new Frame((FrameKind)head[^1], fields);
    }

    /// <summary>Writes the message in one piece.</summary>
    public void Write(Stream stream)
    {
        var bytes = new byte[sizeof(int) + 1 + Fields.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Fields.Length);
        bytes[sizeof(int)] = (byte)Kind;
        Fields.CopyTo(bytes, sizeof(int) + 1);
        stream.Write(bytes);
    }

    public BinaryReader Reader() => new(new MemoryStream(Fields), Encoding.UTF8);
}

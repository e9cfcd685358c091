using System.Text;

namespace NetZero.Collectives;

/// <summary>What the others see of one rank: where it sleeps, whether it moves data, whether it has left or failed, what it called.</summary>
internal readonly unsafe struct RankArea(byte* address)
{
    /// <summary>Bytes of an area.</summary>
    public const int Bytes = HistoryOffset + CallHistory.Bytes;

    private const int FailureOffset = 4 * SharedSegment.LineBytes;
    private const int FailureBytes = 4096 - FailureOffset;
    private const int HistoryOffset = 4096;

    /// <summary>Counts the times that the rank was woken.</summary>
    public int* Bed => (int*)address;

    /// <summary>1 while the rank sleeps or is about to.</summary>
    public ref int Sleeping => ref *(int*)(address + SharedSegment.LineBytes);

    /// <summary>1 while the rank moves data, its own or that of others.</summary>
    public ref int Moving => ref *(int*)(address + (2 * SharedSegment.LineBytes));

    /// <summary>1 when the rank's program has ended.</summary>
    public ref int Left => ref *(int*)(address + (3 * SharedSegment.LineBytes));

    /// <summary>1 when the rank has failed and said why.</summary>
    public ref int Failed => ref *(int*)(address + (3 * SharedSegment.LineBytes) + sizeof(int));

    /// <summary>The rank's process.</summary>
    public ref int ProcessId => ref *(int*)(address + (3 * SharedSegment.LineBytes) + (2 * sizeof(int)));

    /// <summary>The rank's latest calls.</summary>
    public CallHistory History => new(address + HistoryOffset);

    /// <summary>The rank for reports.</summary>
    public RankHistory Describe(int rank) => new(rank, ProcessId, RankHistory.StateOf(ProcessId), History.Read());

    /// <summary>Says why the rank fails, for the others.</summary>
    public void WriteFailure(Exception cause)
    {
        var text = new Span<byte>(address + FailureOffset + sizeof(int), FailureBytes - sizeof(int));
        Encoding.UTF8.GetEncoder().Convert($"{cause.GetType().FullName}\n{cause.Message}", text, flush: true, out _, out var bytes, out _);
        *(int*)(address + FailureOffset) = bytes;
        Volatile.Write(ref Failed, 1);
    }

    /// <summary>Why the rank failed; only once <see cref="Failed"/> is set.</summary>
    public RemoteRankException ReadFailure()
    {
        var text = Encoding.UTF8.GetString(address + FailureOffset + sizeof(int), *(int*)(address + FailureOffset));
        var line = text.IndexOf('\n', StringComparison.Ordinal);
        return new RemoteRankException(text[..line], text[(line + 1)..]);
    }
}

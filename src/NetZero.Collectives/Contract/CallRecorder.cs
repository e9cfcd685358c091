namespace NetZero.Collectives;

/// <summary>One call as the recorder keeps it.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="Sequence">The call's number on the group.</param>
/// <param name="Operation">What was done.</param>
/// <param name="Unit">Whose call it was.</param>
/// <param name="Elements">Elements of the whole message.</param>
/// <param name="Bytes">Bytes of the whole message.</param>
/// <param name="WireBytes">Bytes on the wire for this rank (<see cref="Collectives.WireBytes"/>).</param>
public readonly record struct RecordedCall(
    string Group, long Sequence, CollectiveOperation Operation, string Unit, long Elements, long Bytes, long WireBytes);

/// <summary>What one rank has called, over all its groups, in order: counts and bytes since the start, and the latest calls one by one.</summary>
/// <remarks>Used by the rank's own thread. A world of one makes no calls.</remarks>
public sealed class CallRecorder
{
    private static readonly int Operations = Enum.GetValues<CollectiveOperation>().Length;

    private readonly Queue<RecordedCall> _calls = new();
    private readonly long[] _counts = new long[Operations];
    private readonly long[] _wireBytes = new long[Operations];

    /// <summary>How many of the latest calls are kept; older ones live on in the totals only. 512 unless set.</summary>
    public int Capacity { get; set; } = 512;

    /// <summary>The latest calls, oldest first.</summary>
    public IReadOnlyCollection<RecordedCall> Calls => _calls;

    /// <summary>Bytes on the wire of all tensor calls.</summary>
    public long TotalWireBytes { get; private set; }

    /// <summary>Bytes on the wire of the scalar calls.</summary>
    public long ScalarWireBytes => _wireBytes[(int)CollectiveOperation.AllReduceScalars];

    /// <summary>Tensor calls made (scalars and barriers are not among them).</summary>
    public long TotalCalls { get; private set; }

    /// <summary>Seconds that the rank was held up in waits for others.</summary>
    public double WaitSeconds { get; internal set; }

    /// <summary>Calls of one operation.</summary>
    public long CountOf(CollectiveOperation operation) => _counts[(int)operation];

    /// <summary>Bytes on the wire of one operation.</summary>
    public long WireBytesOf(CollectiveOperation operation) => _wireBytes[(int)operation];

    /// <summary>Forgets everything, totals included.</summary>
    public void Clear()
    {
        _calls.Clear();
        Array.Clear(_counts);
        Array.Clear(_wireBytes);
        TotalWireBytes = 0;
        TotalCalls = 0;
        WaitSeconds = 0;
    }

    internal void Record(string group, int worldSize, in CollectiveCall call)
    {
        var wireBytes = WireBytes.Of(call.Operation, call.Bytes, worldSize);
        _counts[(int)call.Operation]++;
        _wireBytes[(int)call.Operation] += wireBytes;
        if (call.Operation is not (CollectiveOperation.AllReduceScalars or CollectiveOperation.Barrier))
        {
            TotalCalls++;
            TotalWireBytes += wireBytes;
        }

        while (_calls.Count > 0 && _calls.Count >= Capacity)
            _calls.Dequeue();
        if (Capacity > 0)
            _calls.Enqueue(new(group, call.Sequence, call.Operation, call.Label.Unit, call.Elements, call.Bytes, wireBytes));
    }
}

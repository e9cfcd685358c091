namespace NetZero.Collectives;

/// <summary>One rank of any world, alone: every call completes at once, is checked, counted and recorded, and moves nothing.</summary>
/// <remarks>For runs on <c>Meta</c>: planning rank 0 of 16,384 on a laptop. Buffers with data are refused.</remarks>
public sealed class FakeProcessGroup : ProcessGroup
{
    /// <summary>Rank <paramref name="rank"/> of <paramref name="worldSize"/>.</summary>
    public FakeProcessGroup(int rank, int worldSize, CallRecorder? recorder = null)
        : this("world", rank, worldSize, recorder ?? new CallRecorder())
    {
    }

    private FakeProcessGroup(string name, int rank, int size, CallRecorder recorder)
        : base(name, rank, size, System.Threading.Timeout.InfiniteTimeSpan, recorder)
    {
    }

    /// <inheritdoc/>
    public override void Abort(Exception cause)
    {
    }

    /// <inheritdoc/>
    protected internal override Work Start(in CollectiveCall call) => call.Input.HasData || call.Output.HasData
        ? throw new ArgumentException($"{call} on rank {Rank} of {Size}: a fake group moves no data; put the tensors on Meta.")
        : Work.Completed;

    /// <summary>As if every rank had passed the same values: sums are multiplied by the world size, the rest stays.</summary>
    protected internal override void ReduceScalars(in CollectiveCall call, Span<double> values)
    {
        if (call.ReduceOp != ReduceOp.Sum)
            return;
        foreach (ref var value in values)
            value *= Size;
    }

    /// <inheritdoc/>
    protected override ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank) =>
        new FakeProcessGroup(name, rank, ranks.Count, Recorder);
}

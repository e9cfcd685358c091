using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>How a world of ranks runs.</summary>
public sealed record WorldOptions
{
    /// <summary>How long a rank waits in a collective before the missing ranks are named. One minute unless set.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After a failure or a cancellation: how long ranks that are busy elsewhere get to end by themselves.</summary>
    /// <remarks>One second unless set, so that Ctrl+C ends everything within two. A rank in a long computation ends at its next call.</remarks>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Each rank's tensors: device, threads to compute with, memory budget, seed.</summary>
    public TensorContextOptions Tensors { get; init; } = new();

    /// <summary>What must be the same on every rank, by name: ranks that are processes compare it before the program begins.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Agreement { get; init; } = [];

    /// <summary>Whether sums over ranks follow the canonical tree, the same bits on every transport; otherwise MPI adds in whatever order is fastest.</summary>
    /// <remarks>Ranks that share memory know no faster order, so it changes nothing there.</remarks>
    public bool Deterministic { get; init; } = true;

    internal void Validate()
    {
        if (Timeout <= TimeSpan.Zero && Timeout != System.Threading.Timeout.InfiniteTimeSpan)
            throw new ArgumentException($"WorldOptions: Timeout is {Timeout}, expected a positive time or Timeout.InfiniteTimeSpan.");
        if (StopGrace < TimeSpan.Zero)
            throw new ArgumentException($"WorldOptions: StopGrace is {StopGrace}, expected zero or more.");
        if (Tensors.Threads < 1)
            throw new ArgumentException($"WorldOptions: Tensors.Threads is {Tensors.Threads}, expected one or more.");
    }
}

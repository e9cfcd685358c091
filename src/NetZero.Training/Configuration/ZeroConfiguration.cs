namespace NetZero.Training;

/// <summary>When gradients of micro-batches are summed over the ranks.</summary>
public enum ReduceMode
{
    /// <summary>Each micro-batch is reduced, then added to the accumulator: least memory.</summary>
    Each,

    /// <summary>Micro-batches are added on each rank, and the sum is reduced with the last: least traffic.</summary>
    Last,
}

/// <summary>The section <c>zero_optimization</c>.</summary>
public sealed record ZeroConfiguration
{
    /// <summary>What is sharded over the ranks: 0 nothing, 1 optimizer state, 2 gradients too, 3 parameters too.</summary>
    public int Stage { get; init; }

    /// <summary>When gradients of micro-batches are reduced.</summary>
    public ReduceMode Reduce { get; init; } = ReduceMode.Each;
}

namespace NetZero.Tensors;

/// <summary>How a <see cref="TensorContext"/> is set up.</summary>
public sealed record TensorContextOptions
{
    /// <summary>The device of all its tensors.</summary>
    public Device Device { get; init; } = Device.Cpu;

    /// <summary>Threads that kernels run on, the rank's own included.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>The most bytes of tensor memory at any time; 0 is no limit.</summary>
    public long MemoryBudgetBytes { get; init; }

    /// <summary>The seed of everything random.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// Where the memory that collectives read and write comes from (parameters, gradients, communication buffers); null is where all comes from,
    /// the process's own memory. It outlives the context.
    /// </summary>
    public BlockSource? ExchangeMemory { get; init; }
}

namespace NetZero.Tensors;

/// <summary>What a block of tensor memory is for. Every byte has one kind.</summary>
public enum MemoryKind
{
    /// <summary>Resident parameters: whole when replicated, the rank's slice when sharded (the fp32 master).</summary>
    Parameter,

    /// <summary>Parameters gathered for use and released again (stage 3).</summary>
    Gathered,

    /// <summary>Gradients of parameters: whole units in flight and the rank's slice.</summary>
    Gradient,

    /// <summary>Optimizer state.</summary>
    Optimizer,

    /// <summary>What the forward pass makes and saves, gradients of intermediates, and batches.</summary>
    Activation,

    /// <summary>Buffers that exist for a collective only.</summary>
    Communication,

    /// <summary>Scratch memory of kernels.</summary>
    Workspace,

    /// <summary>Copies of the state that a checkpoint is written from while training goes on.</summary>
    Snapshot,
}

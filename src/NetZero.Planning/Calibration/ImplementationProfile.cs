namespace NetZero.Planning;

/// <summary>How one training system uses its devices: what it keeps, how well its kernels run, and how it communicates. Fitted where the formulas leave room.</summary>
/// <remarks>Every figure multiplies or completes a formula of this room; which rows each was fitted on stands in <c>docs/planner.md</c>.</remarks>
public sealed record ImplementationProfile
{
    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>Published sources that ran this system: beginnings of their names.</summary>
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary>What the strategy of a source's rows mentions if this system ran them; null for any.</summary>
    public string? Strategy { get; init; }

    /// <summary>The share of the device's achievable matrix FLOP/s that products reach within a step.</summary>
    public required double Matmul { get; init; }

    /// <summary>Speed of fp8 products over bf16, scales and casts included, with one scale a tensor.</summary>
    public required double Fp8 { get; init; }

    /// <summary>The same with a scale a row or a group.</summary>
    public required double Fp8Rowwise { get; init; }

    /// <summary>FLOP/s of fused attention relative to the device's achievable matrix FLOP/s.</summary>
    public required double Attention { get; init; }

    /// <summary>Bytes of elementwise ops relative to one pass of 16-bit elements an op.</summary>
    public required double Traffic { get; init; }

    /// <summary>The same where a compiler fuses them.</summary>
    public required double CompiledTraffic { get; init; }

    /// <summary>Kernel launches that one block's forward costs the host, interpreter included; a step is never faster than its host.</summary>
    public required double HostLaunches { get; init; }

    /// <summary>Seconds of each step outside forward, backward, collectives and update.</summary>
    public required double StepSeconds { get; init; }

    /// <summary>The share of nominal bandwidth inside a node that collectives reach.</summary>
    public required double Bandwidth { get; init; }

    /// <summary>The share of nominal network bandwidth that collectives reach.</summary>
    public required double NetworkBandwidth { get; init; }

    /// <summary>Seconds of a hop relative to the cluster's description.</summary>
    public required double Hop { get; init; }

    /// <summary>The share of compute that is lost while a collective runs beside it.</summary>
    public required double Contention { get; init; }

    /// <summary>The share of tensor-parallel collectives that hides behind compute.</summary>
    public required double TensorOverlap { get; init; }

    /// <summary>Bytes that the update moves relative to one fused pass.</summary>
    public required double Update { get; init; }

    /// <summary>Bytes of resident states; sharding decides which are whole.</summary>
    public required StateWidths States { get; init; }

    /// <summary>Bytes of an element on the wire when parameters are gathered.</summary>
    public required double GatherBytes { get; init; }

    /// <summary>Bytes of an element on the wire when gradients are reduced.</summary>
    public required double ReduceBytes { get; init; }

    /// <summary>Bytes kept for backward relative to the inputs of every op in 16 bits.</summary>
    public required double Kept { get; init; }

    /// <summary>The same where a compiler fuses ops.</summary>
    public required double CompiledKept { get; init; }

    /// <summary>The share of a block's kept bytes that per-op recomputation still keeps.</summary>
    public required double KeptPerOp { get; init; }

    /// <summary>Bytes of each logit at the peak: the logits, their fp32 copy, the loss's own, and their gradients.</summary>
    public required double LogitBytes { get; init; }

    /// <summary>Bytes that do not depend on the run: workspaces, communication buffers.</summary>
    public required double FixedBytes { get; init; }

    /// <summary>Reserved over allocated bytes: fragments and cached blocks of the system's allocator.</summary>
    public required double Reserved { get; init; }

    /// <summary>Whether backward accumulates into whole gradients that stay between steps (Megatron's main gradients).</summary>
    public bool KeepsGradients { get; init; }

    /// <summary>Whether tensor-parallel ranks always divide norms and residuals along the sequence too.</summary>
    public bool SequenceParallel { get; init; }

    /// <summary>Whether published memory is that of the last pipeline stage, which logs, rather than of the largest.</summary>
    public bool LastStageLogs { get; init; }

    /// <summary>Whether the update's gathers hide behind the next step's forward.</summary>
    public bool GathersBehindForward { get; init; }
}

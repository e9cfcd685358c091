namespace NetZero.Planning;

/// <summary>One training step to predict.</summary>
public sealed record Workload
{
    /// <summary>The model.</summary>
    public required ModelDescription Model { get; init; }

    /// <summary>T, tokens of a sample.</summary>
    public required int Sequence { get; init; }

    /// <summary>Samples of one forward pass on one data-parallel rank.</summary>
    public required int MicroBatch { get; init; }

    /// <summary>Forward passes of one step.</summary>
    public int MicroBatches { get; init; } = 1;

    /// <summary>How ranks are divided.</summary>
    public ParallelLayout Layout { get; init; } = new(1);

    /// <summary>The ZeRO stage over the replicas.</summary>
    public int Stage { get; init; } = 3;

    /// <summary>Ranks that share states; 0 is all replicas.</summary>
    public int ShardGroup { get; init; }

    /// <summary>The dtype of matrix products: <c>bf16</c>, <c>fp16</c>, <c>fp8</c>, <c>fp32</c>.</summary>
    public string Dtype { get; init; } = "bf16";

    /// <summary>Whether fp8 has a scale a row or a group instead of a tensor.</summary>
    public bool RowwiseFp8 { get; init; }

    /// <summary>Whether parameters travel in fp8.</summary>
    public bool GathersFp8 { get; init; }

    /// <summary>What backward computes again.</summary>
    public Recompute Recompute { get; init; }

    /// <summary>Whether a compiler fuses elementwise ops.</summary>
    public bool Compiled { get; init; }

    /// <summary>Whether tensor-parallel collectives are split up and hidden behind products.</summary>
    public bool AsyncTensor { get; init; }

    /// <summary>Chunks of blocks on each pipeline stage.</summary>
    public int Chunks { get; init; } = 1;

    /// <summary>Whether tensor-parallel ranks divide norms and residuals along the sequence too (Korthikanti et al. 2022, section 4.2.2).</summary>
    public bool SequenceParallel { get; init; } = true;

    /// <summary>Parts that the head and the loss are computed in.</summary>
    public int LossChunks { get; init; } = 1;

    /// <summary>Whether each block is updated as soon as its gradients are there, so that gradients are never all alive.</summary>
    public bool UpdatesInBackward { get; init; }

    /// <summary>Whether attention is one kernel; otherwise its scores go through memory.</summary>
    public bool FusedAttention { get; init; } = true;

    /// <summary>Whether gathered parameters stay until their backward.</summary>
    public bool KeepsGathered { get; init; }

    /// <summary>What lies in the host's memory.</summary>
    public Offload Offload { get; init; }

    /// <summary>Bytes of an element of activations and of gathered parameters; fp8 is a format of products alone.</summary>
    internal double ElementBytes => Dtype == "fp32" ? sizeof(float) : sizeof(ushort);

    /// <summary>Tokens of one step over all ranks.</summary>
    public double TokensPerStep => (double)Sequence * MicroBatch * MicroBatches * Layout.Data;

    /// <summary>Ranks that share states.</summary>
    public int Shards => ShardGroup == 0 ? Layout.Replicas : ShardGroup;

    /// <summary>Refuses what cannot run.</summary>
    /// <exception cref="ArgumentException">More stages than blocks, heads that the tensor ranks do not divide, or groups that do not fit.</exception>
    public Workload Checked()
    {
        if (Sequence <= 0 || MicroBatch <= 0 || MicroBatches <= 0)
            throw new ArgumentException($"a step has {MicroBatches} micro-batches of {MicroBatch} samples of {Sequence} tokens; all must be positive");
        if (Layout.Data <= 0 || Layout.Tensor <= 0 || Layout.Pipeline <= 0 || Layout.Context <= 0)
            throw new ArgumentException($"ranks are divided as {Layout.Data} x {Layout.Tensor} x {Layout.Pipeline} x {Layout.Context}; all must be positive");
        if (Layout.Pipeline * Chunks > Model.Layers)
            throw new ArgumentException($"{Layout.Pipeline} pipeline stages of {Chunks} chunks are more than the {Model.Layers} blocks of {Model.Name}; use at most {Model.Layers} together");
        if (Model.Heads % Layout.Tensor != 0)
            throw new ArgumentException($"{Layout.Tensor} tensor-parallel ranks do not divide the {Model.Heads} heads of {Model.Name}");
        if (Sequence % Layout.Context != 0)
            throw new ArgumentException($"{Layout.Context} context-parallel ranks do not divide sequences of {Sequence} tokens");
        if (Layout.Replicas % Shards != 0)
            throw new ArgumentException($"groups of {Shards} ranks do not divide the {Layout.Replicas} replicas");
        if (Stage is < 0 or > 3)
            throw new ArgumentException($"ZeRO stage {Stage} does not exist; stages are 0, 1, 2 and 3");
        if (Chunks <= 0 || LossChunks <= 0 || ShardGroup < 0)
            throw new ArgumentException($"{Chunks} chunks, {LossChunks} parts of the loss and groups of {ShardGroup} ranks cannot be; the first two must be positive");
        if (Offload.HasFlag(Offload.Parameters) && Stage < 3)
            throw new ArgumentException($"parameters are offloaded from their shards, and stage {Stage} keeps them whole; use stage 3");
        if (Offload.HasFlag(Offload.Checkpoints) && Recompute != Recompute.Full)
            throw new ArgumentException("the inputs of checkpointed blocks are offloaded, and no block is checkpointed; use full recomputation");
        return this;
    }
}

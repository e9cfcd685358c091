using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>Everything that decides a run. What <see cref="Load"/> returns is complete and free of contradictions.</summary>
/// <remarks>The keys of the file, their types and defaults stand in <see cref="ConfigurationKeys"/> and nowhere else.</remarks>
public sealed record RunConfiguration
{
    /// <summary>The model.</summary>
    public ModelConfiguration Model { get; init; } = new();

    /// <summary>A Hugging Face folder to start from; otherwise the weights are drawn from the seed.</summary>
    public string? InitFrom { get; init; }

    /// <summary>The text.</summary>
    public DataConfiguration Data { get; init; } = new();

    /// <summary>Samples of one optimizer step over all ranks, B.</summary>
    public int TrainBatchSize { get; init; }

    /// <summary>Samples of one forward pass on one rank.</summary>
    public int MicroBatchSize { get; init; }

    /// <summary>Micro-batches of one optimizer step on one rank.</summary>
    public int AccumulationSteps { get; init; }

    /// <summary>The optimizer.</summary>
    public OptimizerConfiguration Optimizer { get; init; } = new();

    /// <summary>The learning-rate schedule.</summary>
    public SchedulerConfiguration Scheduler { get; init; } = new();

    /// <summary>The average of the weights.</summary>
    public EmaConfiguration Ema { get; init; } = new();

    /// <summary>The largest global gradient norm; 0 is off.</summary>
    public double GradientClipping { get; init; }

    /// <summary>Which norm that is.</summary>
    public NormKind GradientClippingNorm { get; init; }

    /// <summary>The largest magnitude of an element of the gradients; 0 is off.</summary>
    public double GradientClippingValue { get; init; }

    /// <summary>What is sharded.</summary>
    public ZeroConfiguration Zero { get; init; } = new();

    /// <summary>In which types it computes, reduces and accumulates.</summary>
    public PrecisionConfiguration Precision { get; init; } = new();

    /// <summary>Patterns of parameters that are not trained.</summary>
    public IReadOnlyList<string> Frozen { get; init; } = [];

    /// <summary>The adapters that are trained in the place of the model, if any.</summary>
    public LoraConfiguration Lora { get; init; } = new();

    /// <summary>Which activations are computed again.</summary>
    public CheckpointingConfiguration Checkpointing { get; init; } = new();

    /// <summary>When checkpoints are saved.</summary>
    public CheckpointPolicy Checkpoints { get; init; } = new();

    /// <summary>The most tensor memory of one rank in bytes; 0 is no limit.</summary>
    public long MemoryBudgetBytes { get; init; }

    /// <summary>Optimizer steps.</summary>
    public int Steps { get; init; }

    /// <summary>What initial weights, shuffling and dropout are drawn from.</summary>
    public long Seed { get; init; }

    /// <summary>The most ranks: what is larger than any cluster is a slip.</summary>
    public const int MaxRanks = 1_000_000;

    /// <summary>The most threads of a rank: more than any machine has cores.</summary>
    public const int MaxThreadsPerRank = 1024;

    /// <summary>How many ranks the model is sharded over.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>Threads that compute for each rank; by default the machine's cores are shared out.</summary>
    public int ThreadsPerRank { get; init; }

    /// <summary>Seconds that a rank waits for others before they are named; 0 is 60 for processes and a day for threads.</summary>
    public int TimeoutSeconds { get; init; }

    /// <summary>Whether sums over ranks are the same bits on every transport.</summary>
    public bool Deterministic { get; init; } = true;

    /// <summary>Where the run is written; by default a new folder under <c>runs/</c>.</summary>
    public string? OutputDirectory { get; init; }

    /// <summary>Every how many steps the progress is shown.</summary>
    public int LogEvery { get; init; } = 1;

    /// <summary>Every how many steps the validation text is evaluated; 0 is off.</summary>
    public int EvalEvery { get; init; }

    /// <summary>When the run ends because its validation loss does not fall any more.</summary>
    public EarlyStoppingConfiguration EarlyStopping { get; init; } = new();

    /// <summary>Tokens of one optimizer step over all ranks, B x T.</summary>
    public long TokensPerStep => (long)TrainBatchSize * Data.SequenceLength;

    /// <summary>Reads, merges and checks a configuration. Nothing else is touched.</summary>
    /// <param name="path">The JSON file; comments and trailing commas are allowed.</param>
    /// <param name="overrides"><c>key.path=value</c>, applied in order; values are JSON, or text as it stands.</param>
    /// <exception cref="ConfigurationException">Something is wrong: all that was found, a line each.</exception>
    public static RunConfiguration Load(string path, IReadOnlyList<string>? overrides = null) =>
        ConfigurationReader.ReadFile(path, overrides ?? []);

    /// <summary>Like <see cref="Load"/>, from text.</summary>
    /// <exception cref="ConfigurationException">Something is wrong: all that was found, a line each.</exception>
    public static RunConfiguration Parse(string json, IReadOnlyList<string>? overrides = null) =>
        ConfigurationReader.Read(System.Text.Encoding.UTF8.GetBytes(json), "the configuration", overrides ?? []);

    /// <summary>The whole configuration as indented JSON; <see cref="Parse"/> reads it back to the same.</summary>
    public byte[] ToJson() => ConfigurationWriter.Write(this);

    /// <summary>The JSON Schema of configuration files, from which editors complete keys.</summary>
    public static byte[] Schema() => ConfigurationSchema.Write();
}

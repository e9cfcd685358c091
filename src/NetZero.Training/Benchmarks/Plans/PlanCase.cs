using NetZero.Nn;

namespace NetZero.Training;

/// <summary>A run that is planned and then measured.</summary>
/// <param name="Name">What it is called: shape, ranks, stage and what else it does.</param>
/// <param name="Model">The model.</param>
/// <param name="Samples">Samples of a micro-batch.</param>
/// <param name="Ranks">Ranks as threads, each computing on one thread.</param>
/// <param name="Stage">The ZeRO stage.</param>
/// <param name="Accumulation">Micro-batches of a step.</param>
/// <param name="Checkpointing">What backward computes again.</param>
public sealed record PlanCase(
    string Name, Gpt2Config Model, int Samples, int Ranks, int Stage, int Accumulation = 1, CheckpointingMode Checkpointing = CheckpointingMode.None)
{
    /// <summary>The cases: the benchmark's two shapes and six others, narrow and wide, deep and shallow, with short and long samples, on one rank and on two.</summary>
    public static IReadOnlyList<PlanCase> All { get; } = [.. Cases()];

    private static IEnumerable<PlanCase> Cases()
    {
        var small = BenchmarkShape.All.First(shape => shape.Name == "small").Model;
        var gpt2 = BenchmarkShape.All.First(shape => shape.Name == "gpt2").Model;
        (string Name, Gpt2Config Model, int Samples)[] others =
        [
            ("narrow", Shape(4, 4, 128, 128, 256), 16),
            ("long", Shape(2, 8, 256, 1024, 512), 2),
            ("wide", Shape(2, 16, 1024, 128, 1024), 2),
            ("deep", Shape(16, 4, 192, 128, 256), 4),
            ("vocabulary", Shape(2, 6, 384, 128, 32000), 4),
            ("dropout", Shape(4, 6, 384, 256, 1024) with { Dropout = 0.1f }, 4),
        ];
        foreach (var (name, model, samples) in others)
        {
            yield return new PlanCase($"{name}, 1 rank", model, samples, 1, 0);
            yield return new PlanCase($"{name}, 2 ranks, stage 0", model, samples, 2, 0);
            yield return new PlanCase($"{name}, 2 ranks, stage 3", model, samples, 2, 3);
            yield return new PlanCase($"{name}, 2 ranks, stage 3, accumulation", model, samples / 2, 2, 3, Accumulation: 2);
            yield return new PlanCase($"{name}, 1 rank, checkpointing", model, samples, 1, 0, Checkpointing: CheckpointingMode.Full);
        }

        yield return new PlanCase("small, 1 rank", small, 12, 1, 0);
        yield return new PlanCase("small, 2 ranks, stage 0", small, 12, 2, 0);
        yield return new PlanCase("small, 2 ranks, stage 3", small, 12, 2, 3);
        yield return new PlanCase("small, 2 ranks, stage 3, accumulation", small, 6, 2, 3, Accumulation: 2);
        yield return new PlanCase("small, 2 ranks, stage 3, checkpointing", small, 12, 2, 3, Checkpointing: CheckpointingMode.Full);
        yield return new PlanCase("gpt2, 1 rank", gpt2, 2, 1, 0);
        yield return new PlanCase("gpt2, 2 ranks, stage 0", gpt2, 2, 2, 0);
        yield return new PlanCase("gpt2, 2 ranks, stage 3", gpt2, 2, 2, 3);
    }

    private static Gpt2Config Shape(int layers, int heads, int hidden, int tokens, int vocabulary) => new()
    {
        LayerCount = layers,
        HeadCount = heads,
        EmbeddingSize = hidden,
        PositionCount = tokens,
        VocabularySize = vocabulary,
    };

    /// <summary>The case as a run, of which only the text is missing.</summary>
    internal RunConfiguration Run => new()
    {
        Model = new ModelConfiguration
        {
            Layers = Model.LayerCount,
            Heads = Model.HeadCount,
            Embedding = Model.EmbeddingSize,
            Positions = Model.PositionCount,
            VocabularySize = Model.VocabularySize,
            Dropout = Model.Dropout,
        },
        Data = new DataConfiguration { SequenceLength = Model.PositionCount },
        MicroBatchSize = Samples,
        AccumulationSteps = Accumulation,
        TrainBatchSize = Samples * Accumulation * Ranks,
        Ranks = Ranks,
        ThreadsPerRank = 1,
        Steps = PlanBenchmark.Steps,
        GradientClipping = 1,
        Zero = new ZeroConfiguration { Stage = Stage },
        Checkpointing = new CheckpointingConfiguration { Mode = Checkpointing },
        Scheduler = new SchedulerConfiguration { TotalSteps = PlanBenchmark.Steps },
    };
}

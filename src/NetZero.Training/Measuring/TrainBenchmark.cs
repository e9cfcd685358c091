using System.Diagnostics;
using NetZero.Planning;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What is measured.</summary>
/// <param name="Shape">A name of <see cref="TrainBenchmark.Shapes"/>.</param>
/// <param name="Ranks">How many ranks.</param>
/// <param name="Stage">What is sharded, 0 to 3.</param>
/// <param name="Threads">Threads of each rank.</param>
/// <param name="Steps">Steps that are counted, after those that warm up.</param>
public sealed record TrainBenchmarkOptions(string Shape = "small", int Ranks = 2, int Stage = 3, int Threads = 1, int Steps = 20);

/// <summary>What was measured.</summary>
/// <param name="TokensPerSecond">Tokens of all ranks, in the median step.</param>
/// <param name="Gflops">Billions of operations a second that the model needs, by <see cref="TrainingFlops"/>.</param>
/// <param name="FmaPeakGflops">What as many threads reach with multiply-adds alone, measured in the same run.</param>
/// <param name="PeakBytes">The largest peak of tensor memory over the ranks.</param>
/// <param name="FirstStepSeconds">From the process's start to the end of its first step.</param>
public sealed record TrainBenchmarkResult(
    double TokensPerSecond, double Gflops, double FmaPeakGflops, long PeakBytes, double FirstStepSeconds)
{
    /// <summary>The share of the machine's peak that training reached.</summary>
    public double FmaPeakShare => Gflops / FmaPeakGflops;
}

/// <summary>Measures training steps of fixed shapes: AdamW, fp32, random text, nothing written.</summary>
public static class TrainBenchmark
{
    /// <summary>Steps before the first that counts: caches fill, code is compiled, memory is mapped.</summary>
    public const int WarmupSteps = 3;

    // Enough for the epochs of a short run to be longer than the run; what the text says does not matter.
    private const int TextBytes = 1 << 20;

    // The peak is the best of several windows, because other programs may take the processor in between.
    private const int PeakMeasurements = 3;

    private static readonly (string Name, ModelConfiguration Model, int MicroBatch)[] Known =
    [
        ("small", new ModelConfiguration { Layers = 6, Embedding = 384, Heads = 6, VocabularySize = 256, Positions = 256 }, 12),
        ("gpt2", new ModelConfiguration { Layers = 12, Embedding = 768, Heads = 12, VocabularySize = 50_257, Positions = 256 }, 2),
    ];

    /// <summary>The names of the shapes.</summary>
    public static IReadOnlyList<string> Shapes => [.. Known.Select(shape => shape.Name)];

    /// <summary>Measures.</summary>
    /// <param name="options">What.</param>
    /// <param name="train">The trainer.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    /// <exception cref="ConfigurationException">An option is out of its range.</exception>
    /// <exception cref="OperationCanceledException">The measurement was ended.</exception>
    public static async Task<TrainBenchmarkResult> RunAsync(
        TrainBenchmarkOptions options,
        Func<RunConfiguration, TrainingOptions, ITrainingObserver, CancellationToken, Task<RunSummary>> train,
        CancellationToken cancellation)
    {
        var path = Path.GetTempFileName();
        try
        {
            var text = new byte[TextBytes];
            new Random(0).NextBytes(text);
            await File.WriteAllBytesAsync(path, text, cancellation);
            var configuration = Configure(options, path);
            var clock = new Clock();
            var summary = await train(configuration, new TrainingOptions { WriteFiles = false }, clock, cancellation);
            if (summary.Cancelled)
                throw new OperationCanceledException(cancellation);
            return clock.Result(configuration, summary);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The configuration that an option set stands for.</summary>
    internal static RunConfiguration Configure(TrainBenchmarkOptions options, string textPath)
    {
        var shape = Array.Find(Known, known => known.Name == options.Shape);
        if (shape.Model is null)
            throw new ConfigurationException($"shape is '{options.Shape}'; expected one of {string.Join(", ", Shapes)}");
        foreach (var (name, value, least, most) in (ReadOnlySpan<(string, int, int, int)>)
            [
                ("ranks", options.Ranks, 1, int.MaxValue),
                ("stage", options.Stage, 0, 3),
                ("threads", options.Threads, 1, int.MaxValue),
                ("steps", options.Steps, 1, int.MaxValue - WarmupSteps),
            ])
        {
            if (value < least || value > most)
                throw new ConfigurationException($"{name} is {value}; expected a whole number, {(most <= 3 ? $"from {least} to {most}" : $"at least {least}")}");
        }
        return new RunConfiguration
        {
            Model = shape.Model,
            Data = new DataConfiguration { Train = [textPath], SequenceLength = shape.Model.Positions },
            MicroBatchSize = shape.MicroBatch,
            AccumulationSteps = 1,
            TrainBatchSize = checked(shape.MicroBatch * options.Ranks),
            Optimizer = new OptimizerConfiguration { LearningRate = 3e-4, WeightDecay = 0.1 },
            Scheduler = new SchedulerConfiguration { TotalSteps = options.Steps + WarmupSteps },
            Zero = new ZeroConfiguration { Stage = options.Stage },
            Steps = options.Steps + WarmupSteps,
            Ranks = options.Ranks,
            ThreadsPerRank = options.Threads,
        };
    }

    /// <summary>The median: the middle value, or the mean of the two in the middle.</summary>
    internal static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private sealed class Clock : ITrainingObserver
    {
        private readonly List<double> _seconds = [];
        private long _parameters;
        private DateTime _firstStep;

        public void OnStart(RunStart start) => _parameters = start.ParameterCount;

        public void OnStep(StepReport report)
        {
            if (report.Metrics.Step == 0)
                _firstStep = DateTime.Now;
            if (report.Metrics.Step >= WarmupSteps)
                _seconds.Add(report.Metrics.StepSeconds);
        }

        public TrainBenchmarkResult Result(RunConfiguration configuration, RunSummary summary)
        {
            var model = configuration.Model;
            var tokensPerSecond = configuration.TokensPerStep / Median(_seconds);
            var multiplied = _parameters - (long)model.Positions * model.Embedding;
            var gflops = tokensPerSecond * 1e-9
                * TrainingFlops.PerToken(multiplied, model.Layers, model.Embedding, configuration.Data.SequenceLength);
            var peak = Enumerable.Range(0, PeakMeasurements).Max(_ => FmaPeak.MeasureGflops(configuration.Ranks * configuration.ThreadsPerRank));
            using var process = Process.GetCurrentProcess();
            return new TrainBenchmarkResult(
                tokensPerSecond, gflops, peak, summary.Memory.Max(rank => rank.Peak.Total), (_firstStep - process.StartTime).TotalSeconds);
        }
    }
}

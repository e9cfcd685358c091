using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Planning;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Measures one use of the machine: steps of small models on as many ranks, whose kernel calls give lines of time over work.</summary>
/// <remarks>
/// Kernels are timed where they run in training, with its memory and its neighbours, instead of by themselves. Each call of a step counts by its median over a few
/// steps. What is left of a step beside kernels and collectives is a cost of each call and of the step.
/// </remarks>
internal static class UseBenchmark
{
    // Wide and narrow, short and long, a large vocabulary and a small one: what products, attention and passes depend on. Activations of most are larger than
    // a core's caches, as they are in training. About a second a step on one core, together. Two of them again in 16 bits, whose kernels convert as they go.
    private static readonly Shape[] _shapes =
    [
        new(new Gpt2Config { LayerCount = 2, HeadCount = 2, EmbeddingSize = 64, PositionCount = 64, VocabularySize = 256, Dropout = 0.1f }, 4),
        new(Middle, 8),
        new(Long, 4),
        new(new Gpt2Config { LayerCount = 1, HeadCount = 12, EmbeddingSize = 768, PositionCount = 128, VocabularySize = 8192 }, 4),
        new(Middle, 8, MixedPrecisionPolicy.BFloat16),
        new(Long, 4, MixedPrecisionPolicy.BFloat16),
    ];

    private const int Steps = 3;

    private static Gpt2Config Middle => new() { LayerCount = 1, HeadCount = 6, EmbeddingSize = 384, PositionCount = 256, VocabularySize = 256 };

    private static Gpt2Config Long => new()
    {
        LayerCount = 1,
        HeadCount = 4,
        EmbeddingSize = 128,
        PositionCount = 512,
        VocabularySize = 1024,
        Dropout = 0.1f,
    };

    // Until the runtime has compiled for good what it compiled quickly first.
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(800);

    public static async Task<DeviceUse> MeasureAsync(int ranks, int threads, CancellationToken cancellation)
    {
        var steps = new List<WatchedStep>();
        var collectives = new List<KernelLaunch>();
        await World.RunAsync(
            ranks,
            rank =>
            {
                Run(rank, _shapes[0], WarmUp);
                foreach (var shape in _shapes)
                {
                    var step = Run(rank, shape, TimeSpan.Zero);
                    if (rank.Rank == 0)
                        steps.Add(step);
                }

                var calls = CollectiveBenchmark.Run(rank);
                if (rank.Rank == 0)
                    collectives.AddRange(calls);
                return Task.CompletedTask;
            },
            new WorldOptions { Tensors = new TensorContextOptions { Threads = threads } },
            cancellation).ConfigureAwait(false);

        var kernels = Rates(steps.SelectMany(step => step.Calls).Concat(collectives));
        var rest = steps.Select(step => ((double)step.Calls.Count, Math.Max(0, step.Seconds - step.Calls.Sum(Seconds) - Waits(step, kernels)))).ToArray();
        var (perStep, perCall, _) = LineFit.Of([.. rest.Select(point => (point.Item1, 0.0, point.Item2))]);
        return new DeviceUse
        {
            Ranks = ranks,
            Threads = threads,
            LaunchSeconds = perCall,
            StepSeconds = perStep,
            LoadSecondsPerToken = LoadBenchmark.SecondsPerToken(),
            Kernels = kernels,
        };
    }

    private static Dictionary<string, KernelRate> Rates(IEnumerable<KernelLaunch> calls) =>
        calls.GroupBy(call => DeviceUse.NameOf(call.Kernel, call.DType)).OrderBy(group => group.Key, StringComparer.Ordinal).ToDictionary(group => group.Key, group =>
        {
            var (seconds, perFlop, perByte) = LineFit.Of([.. group.Select(call => (call.Work.Flops, call.Work.Bytes, Seconds(call)))]);
            return new KernelRate(seconds, perFlop, perByte);
        });

    private static double Waits(WatchedStep step, Dictionary<string, KernelRate> kernels) =>
        step.Messages.Sum(message => kernels.TryGetValue(message.Operation.ToString(), out var rate) ? rate.Of(new KernelWork(0, message.WireBytes)) : 0);

    private static double Seconds(KernelLaunch call) => (double)(call.End - call.Start) / Stopwatch.Frequency;

    private static WatchedStep Run(RankContext rank, Shape shape, TimeSpan atLeast)
    {
        using var scope = rank.Tensors.BeginScope("benchmark");
        var module = FullyShard.Apply(
            new Gpt2(shape.Model), rank, ShardingPolicy.Zero3, new ShardingOptions { MixedPrecision = shape.Precision ?? MixedPrecisionPolicy.Single });
        var loop = new TrainingLoop(module, new AdamW(module), new RepeatedBatches(shape.Samples, shape.Model), new TrainingLoopOptions { GradientClipping = 1 });
        var start = Stopwatch.GetTimestamp();

        // Ranks agree on when to stop: they run together.
        Span<double> left = [1];
        for (var step = 0; step < 1 || left[0] > 0; step++)
        {
            loop.Step(step, rank.Cancellation);
            left[0] = Stopwatch.GetElapsedTime(start) < atLeast ? 1 : 0;
            rank.Group.AllReduce("warm-up", left, ReduceOp.Max);
        }

        var watch = new Watch();
        rank.Tensors.KernelObserver = watch;
        var seconds = new double[Steps];
        for (var step = 0; step < Steps; step++)
        {
            watch.Begin();
            seconds[step] = loop.Step(step, rank.Cancellation).Seconds;
        }

        rank.Tensors.KernelObserver = null;
        return new WatchedStep(seconds.Order().ElementAt(Steps / 2), watch.Medians(), [.. module.TrainingSchedule.Collectives()]);
    }

    private sealed record Shape(Gpt2Config Model, int Samples, MixedPrecisionPolicy? Precision = null);

    private sealed record WatchedStep(double Seconds, IReadOnlyList<KernelLaunch> Calls, IReadOnlyList<ScheduledCollective> Messages);

    private sealed class Watch : IKernelObserver
    {
        private readonly List<List<KernelLaunch>> _steps = [];

        public void Begin() => _steps.Add([]);

        public void OnLaunch(in KernelLaunch launch) => _steps[^1].Add(launch);

        public IReadOnlyList<KernelLaunch> Medians() =>
            [.. Enumerable.Range(0, _steps.Min(step => step.Count)).Select(i => _steps.Select(step => step[i]).OrderBy(call => call.End - call.Start).ElementAt(_steps.Count / 2))];
    }

    private sealed class RepeatedBatches(int rows, Gpt2Config model) : IBatchSource
    {
        public int Rows => rows;

        public int SequenceLength => model.PositionCount;

        public long FirstSample(int microBatch) => 0;

        // A stride that meets every row of the table before it meets one twice, so that the embedding is read as text reads it: here and there.
        public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
        {
            for (var i = 0; i < inputs.Length; i++)
            {
                inputs[i] = (int)(i * 7919L % model.VocabularySize);
                targets[i] = (int)((i + 1) * 7919L % model.VocabularySize);
            }
        }
    }
}

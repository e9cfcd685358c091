using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>On a device with streams the host enqueues a step before the one before has run.</summary>
public sealed class StepAheadTests : IDisposable
{
    private static readonly Gpt2Config Model = new() { LayerCount = 2, HeadCount = 2, EmbeddingSize = 8, PositionCount = 8, VocabularySize = 11, Dropout = 0.1f };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Steps_AreEnqueuedWhileTheDeviceHasNotBegunTheFirst_AndFindTheSame(int stage)
    {
        var expected = new StepResult[3];
        Ranks.Run(2, rank =>
        {
            var loop = Loop(rank, stage);
            for (var step = 0; step < expected.Length; step++)
            {
                var found = loop.Step(step);
                if (rank.Rank == 0)
                    expected[step] = found;
            }
        });
        using var gate = new ManualResetEventSlim();
        using var begun = new CountdownEvent(2);
        Ranks.Run(2, rank =>
        {
            var loop = Loop(rank, stage);
            rank.Tensors.Synchronize();
            rank.Tensors.Stream.Enqueue(() => Assert.True(gate.Wait(TimeSpan.FromSeconds(30)), "the host waited for the device"));
            var steps = new StepUnderWay[expected.Length];
            for (var step = 0; step < steps.Length; step++)
            {
                Assert.True(loop.TryBegin(step, out var next));
                steps[step] = next;
            }

            Assert.DoesNotContain(steps, step => step.IsCompleted);
            begun.Signal();
            Assert.True(begun.Wait(TimeSpan.FromSeconds(20)));
            gate.Set();
            for (var step = 0; step < steps.Length; step++)
            {
                var found = steps[step].Finish();
                Assert.Equal((expected[step].Loss, expected[step].GradientNorm), (found.Loss, found.GradientNorm));
                Assert.Equal(found, steps[step].Finish());
            }

            Assert.Equal(steps.Length, rank.Tensors.HostReads);
        }, On(new DelayedDevice(new DelayedTiming(stage))));
    }

    [Fact]
    public void Fp16_WaitsForEachStep_BecauseItDecidesOverTheNextScale()
    {
        Ranks.Run(2, rank =>
        {
            var loop = Loop(rank, 3, MixedPrecisionPolicy.Half, new LossScalerOptions { InitialScalePower = 100, Hysteresis = 1 });
            double? scale = null;
            for (var step = 0; step < 2; step++)
            {
                Assert.True(loop.TryBegin(step, out var begun));
                Assert.True(begun.IsCompleted);
                Assert.True(begun.Finish().Skipped);
                Assert.True(scale is null || begun.Finish().LossScale < scale);
                scale = begun.Finish().LossScale;
            }
        }, On(new DelayedDevice(new DelayedTiming(5))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopThatIsAskedFor_EndsAllRanksAfterTheSameStep_WithAllStepsReportedAndSaved(bool delayed)
    {
        var text = _folder.Write("text", string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i % 311} ")));
        using var stop = new CancellationTokenSource();
        var reports = new StopAfter(2, stop);
        var run = new Run(_folder, "run");
        var options = new TrainingOptions { Stop = stop.Token, Device = delayed ? new DelayedDevice(new DelayedTiming(1)) : Device.Cpu };
        var summary = await Trainer.RunAsync(run.Configure(text, "steps=40", "checkpoint.every_steps=30"), options, reports);
        Assert.True(summary.Stopped);
        Assert.InRange(summary.StepsDone, 4, delayed ? 6 : 4);
        Assert.Equal(Enumerable.Range(0, summary.StepsDone), reports.Steps);
        Assert.EndsWith($"step-{summary.StepsDone:000000}", summary.Checkpoint);
        Assert.Equal(summary.StepsDone, run.Losses.Length);
    }

    private static WorldOptions On(Device device) => new() { Tensors = new TensorContextOptions { Device = device } };

    private static TrainingLoop Loop(RankContext rank, int stage, MixedPrecisionPolicy? precision = null, LossScalerOptions? scaler = null)
    {
        var options = new ShardingOptions { GradientAccumulationSteps = 2, MixedPrecision = precision ?? MixedPrecisionPolicy.Single, LossScaler = scaler };
        var module = FullyShard.Apply(new Gpt2(Model), rank, ShardingPolicy.ForStage(stage), options);
        return new TrainingLoop(module, new AdamW(module), new Letters(), new TrainingLoopOptions { GradientClipping = 0.5 });
    }

    private sealed class StopAfter(int step, CancellationTokenSource stop) : ITrainingObserver
    {
        public List<int> Steps { get; } = [];

        public void OnStep(StepReport report)
        {
            Steps.Add(report.Metrics.Step);
            if (report.Metrics.Step == step)
                stop.Cancel();
        }
    }
}

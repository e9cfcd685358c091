using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>The engine assumes nowhere that a kernel, a copy or a collective is done when its call returns.</summary>
public class DelayedDeviceTests
{
    [Theory]
    [InlineData(1, 1, null)]
    [InlineData(2, 1, "compute")]
    [InlineData(2, 3, "communication")]
    [InlineData(3, 1, "communication")]
    [InlineData(4, 1, null)]
    public void EveryPolicy_OnADeviceThatRunsLater_ComputesTheBitsOfTheProcessor(int ranks, int accumulation, string? slow)
    {
        var seed = 0;
        foreach (var reduction in PolicyGridTests.Reductions(accumulation))
        {
            var reference = PolicyGridTests.Run(ranks, accumulation, new ShardingPolicy { Stage = 0, Reduction = reduction }).Run();
            foreach (var (policy, checkpointing) in PolicyGridTests.Checkpointed(PolicyGridTests.Policies(ranks, accumulation)))
            {
                var run = PolicyGridTests.Run(ranks, accumulation, policy with { Reduction = reduction }, checkpointing);
                var delayed = run with { Device = new DelayedDevice(new DelayedTiming(seed++, slow)) };
                delayed.Run().AssertSameBits(reference);
            }
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void KernelsOfAnotherAssembly_RunInsteadOfTheProcessors_WithTheSameBits(int stage, bool half)
    {
        var counts = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        var kernels = OwnKernels.Register(op => counts.AddOrUpdate(op, 1, (_, n) => n + 1));
        var run = new ToyRun
        {
            Model = () => new ToyModel(2),
            Ranks = 2,
            Steps = 3,
            GlobalRows = 4,
            Clip = 0.1,
            Policy = ShardingPolicy.ForStage(stage),
            Precision = half ? MixedPrecisionPolicy.Half : MixedPrecisionPolicy.Single,
            LossScaler = half ? new LossScalerOptions { InitialScalePower = 6 } : null,
        };
        (run with { Device = new DelayedDevice(new DelayedTiming(stage), kernels) }).Run().AssertSameBits(run.Run());
        Assert.Equal(["Clear", "ColumnSum", "Fill", "GradientFactor"], counts.Keys.Order());
    }
}

using NetZero.Collectives;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>The engine's own schedule for a workload: the stage's blocks as units, over its replicas.</summary>
internal static class DeclaredSchedule
{
    /// <summary>The schedule of rank 0; shards are of equal length, so all ranks of one pipeline stage have the same.</summary>
    public static StepSchedule Of(Workload run, int microBatches)
    {
        var sizes = new StageSizes(run);
        using var tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta, Threads = 1 });
        var policy = new ShardingPolicy
        {
            Stage = run.Stage,
            ShardGroupSize = run.Shards == run.Layout.Replicas ? 0 : run.Shards,
            ReshardAfterForward = run.KeepsGathered ? ReshardAfterForward.No : ReshardAfterForward.Yes,
            Reduction = run.Stage >= 2 ? GradientReduction.EachMicroBatch : GradientReduction.LastMicroBatch,
        };
        var options = new ShardingOptions { GradientAccumulationSteps = microBatches };
        var model = new DeclaredModel(sizes.RootParameters, sizes.Blocks, sizes.BlockParameters);
        return FullyShard.Apply(model, new FakeProcessGroup(0, run.Layout.Replicas), tensors, policy, options).TrainingSchedule;
    }
}

using NetZero.Collectives;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>One training step of a run, event by event, before anything is allocated: the run's own program on Meta.</summary>
public static class StepPlan
{
    /// <summary>The plan of one rank's step in the steady state, with optimizer state from the beginning.</summary>
    /// <param name="run">The run.</param>
    /// <param name="rank">The rank.</param>
    /// <exception cref="MemoryBudgetExceededException">The run's budget does not hold it; the kinds are listed.</exception>
    public static ShardingPlan Predict(RunConfiguration run, int rank = 0)
    {
        ArgumentNullException.ThrowIfNull(run);
        using var tensors = RunParts.MetaTensors(run);
        var module = RunParts.Shard(run, RunParts.PlannedModel(run), new FakeProcessGroup(rank, run.Ranks), tensors, source: null);
        var optimizer = OptimizerParts.Make(run, module);
        var loop = RunParts.Loop(run, module, optimizer, new BlankBatches(run.MicroBatchSize, run.Data.SequenceLength));
        using var saver = RunParts.Snapshots(run, module, optimizer);
        var step = 0;
        return FullyShard.Describe(module, () => loop.Step(step++));
    }
}

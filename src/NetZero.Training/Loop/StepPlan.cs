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
        using var planned = new PlannedRun(run, rank);
        using var saver = planned.Snapshots();
        var step = 0;
        return FullyShard.Describe(planned.Module, () => planned.Loop.Step(step++));
    }
}

using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What a run will hold, before anything is allocated: the run's own program on Meta.</summary>
public static class MemoryPlan
{
    /// <summary>The memory of one rank. Slices are of equal length, so all ranks have the same.</summary>
    /// <param name="run">The run.</param>
    /// <param name="rank">The rank.</param>
    /// <exception cref="MemoryBudgetExceededException">The run's budget does not hold it; the kinds are listed.</exception>
    public static RankMemory Predict(RunConfiguration run, int rank = 0)
    {
        using var planned = new PlannedRun(run, rank);
        var (module, loop) = (planned.Module, planned.Loop);

        // The second step is the first with optimizer state from the beginning; those after it are like it.
        for (var step = 0; step < Math.Min(2, run.Steps); step++)
            loop.Step(step);
        if (run.EvalEvery > 0)
            loop.Evaluate(planned.Data, 1);
        using var saver = planned.Snapshots();
        if (saver is not null && (run.Checkpoints.EveryMinutes > 0 || run.Checkpoints.EverySteps < run.Steps))
            loop.Step(2);
        RunParts.VisitSaved(run, module);
        return new RankReport(run, module, loop).Now();
    }
}

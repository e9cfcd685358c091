using NetZero.Planning;

namespace NetZero.Training;

/// <summary>What a run will take and hold on a cluster, before anything is allocated: the run's own program on Meta, each kernel call and collective priced.</summary>
public static class RunPlanner
{
    /// <summary>The plan of one rank's step in the steady state, with optimizer state from the beginning.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cluster">The machines.</param>
    /// <param name="rank">The rank.</param>
    /// <exception cref="ArgumentException">The cluster cannot run it, or was not measured so.</exception>
    public static ProgramPlan Plan(RunConfiguration run, ClusterDescription cluster, int rank = 0)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(cluster);

        // A plan says what does not fit; a budget that it would exceed is one of the things that it says.
        run = run with { MemoryBudgetBytes = 0 };
        using var planned = new PlannedRun(run, rank);
        using var saver = planned.Snapshots();
        var step = 0;
        var size = new ProgramSize(
            run.MicroBatchSize * run.Data.SequenceLength, TrainingProgram.FlopsPerToken(RunParts.Model(run, exactGelu: false), run.Data.SequenceLength),
            run.ThreadsPerRank, run.Precision.ToPolicy().ParameterDType);
        return ProgramPlanner.Plan(planned.Module, () => planned.Loop.Step(step++), size, cluster);
    }
}

using NetZero.Nn;

namespace NetZero.Training;

/// <summary>A rank's memory as reports show it.</summary>
internal static class RankReport
{
    public static RankMemory Of(RunConfiguration run, Sharding.ShardedModule module, TrainingLoop loop)
    {
        var ledger = module.Tensors.Ledger;
        var expected = Planning.ModelStates.PerRank(((Gpt2)module.Module).ParameterCount(), run.Ranks, run.Zero.Stage, RunParts.Widths(run.Optimizer));
        return new RankMemory(module.Group.Rank, KindBytes.PeakOf(ledger), new KindBytes(loop.SteadyBytes, loop.SteadyBytes.Sum()), expected.Total);
    }
}

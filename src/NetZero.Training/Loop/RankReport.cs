using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>A rank's memory as reports show it.</summary>
internal static class RankReport
{
    public static RankMemory Of(RunConfiguration run, Sharding.ShardedModule module, TrainingLoop loop)
    {
        var ledger = module.Tensors.Ledger;
        return new RankMemory(module.Group.Rank, KindBytes.PeakOf(ledger), new KindBytes(loop.SteadyBytes, loop.SteadyBytes.Sum()), Expected(run, module));
    }

    // Each stage's formula over the parameters that are treated so; frozen ones have neither gradient nor optimizer state.
    private static long Expected(RunConfiguration run, Sharding.ShardedModule module)
    {
        var schedule = module.TrainingSchedule;
        var widths = OptimizerParts.Widths(run);
        return Enumerable.Range(0, module.Units.Count)
            .GroupBy(unit => (Stage: schedule.StageOf(unit), Frozen: schedule.IsFrozen(unit), Precision: schedule.PrecisionOf(unit)), unit => module.Units[unit].Elements)
            .Where(alike => alike.Sum() > 0)
            .Sum(alike => Planning.ModelStates.PerRank(
                alike.Sum(), module.ShardGroup.Size, alike.Key.Stage,
                WithMasters(
                    alike.Key.Precision, alike.Key.Stage,
                    alike.Key.Frozen ? widths with { GradientBytes = 0, OptimizerBytes = 0 } : widths with { GradientBytes = alike.Key.Precision.Gradients.SizeInBytes() })).Total);
    }

    // Masters are sharded as the optimizer is; the copy to compute with stays, but at stage 3, where it is gathered.
    private static Planning.StateWidths WithMasters(Sharding.UnitPrecision precision, int stage, Planning.StateWidths widths) => precision.HasMasters
        ? widths with { ParameterBytes = stage == 3 ? 0 : precision.Parameters.SizeInBytes(), OptimizerBytes = widths.OptimizerBytes + precision.Values.SizeInBytes() }
        : widths with { ParameterBytes = precision.Parameters.SizeInBytes() };

    /// <summary>Every rank's memory, on every rank: one reduction of a few numbers, exact because each has one rank that is not zero.</summary>
    public static RankMemory[] Share(ProcessGroup group, RankMemory own)
    {
        var each = (2 * (MemoryLedger.KindCount + 1)) + 1;
        var values = new double[group.Size * each];
        var mine = values.AsSpan(group.Rank * each, each);
        for (var kind = 0; kind < MemoryLedger.KindCount; kind++)
        {
            mine[kind] = own.Peak[(MemoryKind)kind];
            mine[MemoryLedger.KindCount + kind] = own.Steady[(MemoryKind)kind];
        }

        (mine[^3], mine[^2], mine[^1]) = (own.Peak.Total, own.Steady.Total, own.ModelStateBytesExpected);
        group.AllReduce("memory", values, ReduceOp.Sum);
        return [.. Enumerable.Range(0, group.Size).Select(rank => Of(rank, Array.ConvertAll(values[(rank * each)..((rank + 1) * each)], v => (long)v)))];
    }

    private static RankMemory Of(int rank, ReadOnlySpan<long> values) => new(
        rank, new KindBytes(values[..MemoryLedger.KindCount], values[^3]), new KindBytes(values[MemoryLedger.KindCount..^3], values[^2]), values[^1]);
}

using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>A rank's memory as reports show it.</summary>
internal sealed class RankReport(RunConfiguration run, Sharding.ShardedModule module, TrainingLoop loop)
{
    // What the formula says changes with the schedule alone.
    private (Sharding.StepSchedule Schedule, long Bytes)? _expected;

    /// <summary>The memory until now.</summary>
    public RankMemory Now()
    {
        if (_expected?.Schedule != module.TrainingSchedule)
            _expected = (module.TrainingSchedule, Expected(run, module));
        return new RankMemory(
            module.Group.Rank, KindBytes.PeakOf(module.Tensors.Ledger), new KindBytes(loop.SteadyBytes, loop.SteadyBytes.Sum()), _expected.Value.Bytes);
    }

    // Each stage's formula over the parameters that are treated so; frozen ones have neither gradient nor optimizer state.
    private static long Expected(RunConfiguration run, Sharding.ShardedModule module)
    {
        var schedule = module.TrainingSchedule;
        return Enumerable.Range(0, module.Units.Count)
            .GroupBy(
                unit => (Stage: schedule.StageOf(unit), Frozen: schedule.IsFrozen(unit), Precision: schedule.PrecisionOf(unit)),
                unit => module.Units[unit])
            .Where(alike => alike.Any(unit => unit.Elements > 0))
            .Sum(alike =>
            {
                var widths = OptimizerParts.Widths(run, [.. alike.SelectMany(unit => unit.Placements, (_, placement) => placement.Parameter)]);
                widths = alike.Key.Frozen
                    ? widths with { GradientBytes = 0, OptimizerBytes = 0 }
                    : widths with { GradientBytes = alike.Key.Precision.Gradients.SizeInBytes() };
                widths = WithMasters(alike.Key.Precision, alike.Key.Stage, widths);
                return Planning.ModelStates.PerRank(alike.Sum(unit => unit.Elements), module.ShardGroup.Size, alike.Key.Stage, widths).Total;
            });
    }

    // Masters are sharded as the optimizer is; the copy to compute with stays, but at stage 3, where it is gathered.
    private static Planning.StateWidths WithMasters(Sharding.UnitPrecision precision, int stage, Planning.StateWidths widths) => precision.HasMasters
        ? widths with { ParameterBytes = stage == 3 ? 0 : precision.Parameters.SizeInBytes(), OptimizerBytes = widths.OptimizerBytes + precision.Values.SizeInBytes() }
        : widths with { ParameterBytes = precision.Parameters.SizeInBytes() };
}

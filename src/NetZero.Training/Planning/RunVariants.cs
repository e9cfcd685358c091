using System.Text;
using NetZero.Planning;
using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>A run that differs from the one that was asked for, and its plan.</summary>
/// <param name="What">The difference, as keys of the configuration.</param>
/// <param name="Run">The run.</param>
/// <param name="Plan">Its plan.</param>
public sealed record PlannedVariant(string What, RunConfiguration Run, ProgramPlan Plan);

/// <summary>Plans runs that train the same model on the same samples, set up otherwise. Other precisions round otherwise; all else gives the same losses.</summary>
public static class RunVariants
{
    // A change that gains less is none.
    private const double Worthwhile = 1.001;

    private static readonly int[] NoGroups = [0];
    private static readonly int[] _stages = [0, 1, 2, 3];

    /// <summary>Single changes that make a run fit, or faster: if it does not fit, those that make it fit and cost least time; else the fastest that still fit.</summary>
    /// <param name="run">The run as it is.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="most">How many.</param>
    public static IReadOnlyList<PlannedVariant> Changes(RunConfiguration run, ProgramPlan plan, int most = 3)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(plan);
        return [.. Candidates(run, plan.Cluster)
            .Select(candidate => Try(candidate.What, candidate.Run, plan.Cluster))
            .OfType<PlannedVariant>()
            .Where(variant => variant.Plan.Fits && (!plan.Fits || variant.Plan.TokensPerSecond > plan.TokensPerSecond * Worthwhile))
            .OrderByDescending(variant => variant.Plan.TokensPerSecond)
            .Take(most)];
    }

    /// <summary>
    /// Every combination of stage, hybrid group, micro-batch, checkpointing and precision that keeps the step's samples and that a configuration can have; fastest first,
    /// what does not fit last.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="cluster">The machines.</param>
    public static IReadOnlyList<PlannedVariant> Sweep(RunConfiguration run, ClusterDescription cluster)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(cluster);
        var samples = run.MicroBatchSize * run.AccumulationSteps;
        int[] groups = [.. HybridGroups.Of(run.Ranks, Math.Min(run.Ranks, cluster.DevicesPerNode)).Append(run.Zero.ShardGroupSize).Distinct().Order()];
        return [.. (from stage in run.Ranks > 1 ? _stages : [run.Zero.Stage]
                    from shardGroup in stage == 0 ? NoGroups : groups
                    from microBatch in Enumerable.Range(0, 31).Select(power => 1 << power).TakeWhile(size => size <= samples)
                    where samples % microBatch == 0
                    from mode in Enum.GetValues<CheckpointingMode>()
                    from precision in Precisions(run, cluster)
                    select Try(
                        $"stage {stage}{(shardGroup == 0 ? "" : $" in groups of {shardGroup}")}, micro-batch {microBatch} x {samples / microBatch}, "
                        + $"checkpointing {Name(mode)}, {precision.Name}",
                        WithMicroBatch(WithStage(run, stage, shardGroup), microBatch) with
                        {
                            Checkpointing = run.Checkpointing with { Mode = mode },
                            Precision = precision,
                        },
                        cluster))
            .OfType<PlannedVariant>()
            .OrderByDescending(variant => variant.Plan.Fits)
            .ThenByDescending(variant => variant.Plan.TokensPerSecond)];
    }

    /// <summary>The run on other numbers of ranks, each with the same samples of its own: the batch grows.</summary>
    /// <exception cref="ArgumentException">A number of ranks that the run cannot have.</exception>
    public static IReadOnlyList<PlannedVariant> Weak(RunConfiguration run, ClusterDescription cluster, IReadOnlyList<int> ranks) =>
        [.. ranks.Select(count => Variant($"{count} ranks", WithRanks(run, count), cluster))];

    /// <summary>The run on other numbers of ranks, with the same batch: each rank has less of it.</summary>
    /// <exception cref="ArgumentException">A number of ranks that does not divide the batch.</exception>
    public static IReadOnlyList<PlannedVariant> Strong(RunConfiguration run, ClusterDescription cluster, IReadOnlyList<int> ranks)
    {
        ArgumentNullException.ThrowIfNull(run);
        return [.. ranks.Select(count =>
        {
            if (run.TrainBatchSize % count != 0)
                throw new ArgumentException($"'train_batch_size' {run.TrainBatchSize} does not divide over {count} ranks");
            var samples = run.TrainBatchSize / count;
            var micro = Enumerable.Range(1, run.MicroBatchSize).Last(size => samples % size == 0);
            return Variant($"{count} ranks", WithRanks(WithBatches(run, micro, samples / micro), count), cluster);
        })];
    }

    private static IEnumerable<(string What, RunConfiguration Run)> Candidates(RunConfiguration run, ClusterDescription cluster)
    {
        if (run.Ranks > 1)
            foreach (var stage in _stages.Where(stage => stage != run.Zero.Stage))
                yield return ($"zero_optimization.stage={stage}", WithStage(run, stage, run.Zero.ShardGroupSize));
        foreach (var mode in Enum.GetValues<CheckpointingMode>().Where(mode => mode != run.Checkpointing.Mode))
            yield return ($"activation_checkpointing.mode={Name(mode)}", run with { Checkpointing = run.Checkpointing with { Mode = mode } });
        foreach (var precision in Precisions(run, cluster).Where(precision => precision != run.Precision))
            yield return (Setting(run.Precision, precision), run with { Precision = precision });
        if (run.MicroBatchSize % 2 == 0)
            yield return ($"gradient_accumulation_steps={run.AccumulationSteps * 2}", WithMicroBatch(run, run.MicroBatchSize / 2));
        if (run.AccumulationSteps % 2 == 0)
        {
            var larger = WithMicroBatch(run, run.MicroBatchSize * 2);
            var reduce = larger.Zero.Reduce == run.Zero.Reduce ? "" : " --set zero_optimization.reduce=each";
            var keep = larger.Zero.KeepGathered == run.Zero.KeepGathered ? "" : " --set zero_optimization.keep_gathered=false";
            yield return ($"gradient_accumulation_steps={larger.AccumulationSteps}{reduce}{keep}", larger);
        }
        if (run.Ranks > 1 && run.AccumulationSteps > 1)
            yield return ("zero_optimization.reduce=last", run with { Zero = run.Zero with { Reduce = GradientReduction.LastMicroBatch } });
        if (!cluster.Device.IsHost && run.TrainBatchSize % (run.Ranks * 2) == 0 && run.MicroBatchSize % 2 == 0)
            yield return ($"ranks={run.Ranks * 2}", WithRanks(run with { MicroBatchSize = run.MicroBatchSize / 2 }, run.Ranks * 2));
    }

    private static PlannedVariant? Try(string what, RunConfiguration run, ClusterDescription cluster)
    {
        try
        {
            // What a configuration may not say is no run, whatever it would cost.
            RunConfiguration.Parse(Encoding.UTF8.GetString(run.ToJson()));
            return Variant(what, run, cluster);
        }
        catch (Exception refusal) when (refusal is ArgumentException or ConfigurationException)
        {
            // A change that cannot run is none.
            return null;
        }
    }

    private static PlannedVariant Variant(string what, RunConfiguration run, ClusterDescription cluster) => new(what, run, RunPlanner.Plan(run, cluster));

    // The run's own, fp32, and the 16-bit type of the machines: bf16, else fp16. A host keeps both.
    private static IEnumerable<PrecisionConfiguration> Precisions(RunConfiguration run, ClusterDescription cluster)
    {
        var own = run.Precision;
        var hasWide = cluster.Device.IsHost || cluster.Device.PeakFlopsPerSecond.ContainsKey(PrecisionConfiguration.BFloat16Name);
        return new[] { own, own with { BFloat16 = false, Half = false }, own with { BFloat16 = hasWide, Half = !hasWide } }.DistinctBy(precision => precision.Name);
    }

    private static string Setting(PrecisionConfiguration from, PrecisionConfiguration to)
    {
        (string Key, bool Before, bool After)[] keys = [("bf16", from.BFloat16, to.BFloat16), ("fp16", from.Half, to.Half)];
        return string.Join(" --set ", keys.Where(key => key.Before != key.After).Select(key => $"{key.Key}.enabled={(key.After ? "true" : "false")}"));
    }

    // What belongs to stage 3 alone goes with it.
    private static RunConfiguration WithStage(RunConfiguration run, int stage, int shardGroup) => run with
    {
        Zero = stage == run.Zero.Stage ? run.Zero with { ShardGroupSize = shardGroup } : new ZeroConfiguration
        {
            Stage = stage,
            Reduce = run.Zero.Reduce,
            ShardGroupSize = stage == 0 ? 0 : shardGroup,
            Units = run.Zero.Units,
            MinimumParameters = run.Zero.MinimumParameters,
            Ignored = stage == 0 ? [] : run.Zero.Ignored,
        },
    };

    private static RunConfiguration WithMicroBatch(RunConfiguration run, int size) => WithBatches(run, size, run.MicroBatchSize * run.AccumulationSteps / size);

    // What belongs to accumulation alone goes with it.
    private static RunConfiguration WithBatches(RunConfiguration run, int micro, int accumulation) => run with
    {
        MicroBatchSize = micro,
        AccumulationSteps = accumulation,
        Zero = accumulation > 1 ? run.Zero : run.Zero with { Reduce = GradientReduction.EachMicroBatch, KeepGathered = false },
    };

    private static RunConfiguration WithRanks(RunConfiguration run, int ranks) => run with
    {
        Ranks = ranks,
        TrainBatchSize = checked(ranks * run.MicroBatchSize * run.AccumulationSteps),
    };

    private static string Name(CheckpointingMode mode) => mode.ToString().ToLowerInvariant();
}

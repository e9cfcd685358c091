using System.Text.RegularExpressions;

namespace NetZero.Planning;

/// <summary>The step that a row measured, as far as its columns tell; what is assumed is listed.</summary>
/// <param name="Run">The step.</param>
/// <param name="Cluster">The machines.</param>
/// <param name="Profile">The system.</param>
/// <param name="Assumed">What the row does not give and was assumed, one thing each.</param>
internal sealed partial record PublishedWorkload(Workload Run, ClusterDescription Cluster, ImplementationProfile Profile, IReadOnlyList<string> Assumed)
{
    // One optimizer step of most published runs is at least this; only asked where neither batch is given.
    private const int AssumedMicroBatches = 4;
    private const int AssumedSequence = 2048;
    private const int AssumedDevices = 64;

    // Around 4/3: attention is counted whole, by half, or not at all.
    private const double LeastRecomputed = 1.2;
    private const double MostRecomputed = 1.45;

    // torchtune's CEWithChunkedOutputLoss.
    private const int ChunkedLoss = 8;

    /// <summary>Completes a row.</summary>
    /// <exception cref="ArgumentException">The row gives too little, or contradicts itself.</exception>
    public static PublishedWorkload Of(PublishedRow row, Calibration calibration)
    {
        var assumed = new List<string>();
        var cluster = PublishedCluster.Of(row);
        var model = PublishedModel.Of(row, assumed);
        var profile = calibration.ForSource(row.Source, row.Strategy);
        var sequence = Or(row.Count("seq"), AssumedSequence, "sequence");
        var (tensor, pipeline, context) = (Math.Max(1, row.Count("tp")), Math.Max(1, row.Count("pp")), Math.Max(1, row.Count("cp")));
        var others = tensor * pipeline * context;
        var devices = row.Count("devices") is > 0 and var given ? given : Or(row.Count("dp") * others, AssumedDevices, "devices");
        var replicas = row.Count("dp");
        var data = replicas == 0 ? Math.Max(1, devices / others)
            : replicas * others == devices || devices % others != 0 ? replicas
            : Or(0, devices / others, "data-parallel ranks");
        var samples = row.Number("global_batch_tokens") / sequence / data;
        var microBatch = row.Count("micro_batch") is > 0 and var stated ? stated : Or(0, IsBatchOfARank(row) ? Math.Max(1, (int)samples) : MicroBatch(samples, pipeline), "micro-batch");
        var microBatches = samples > 0 ? Math.Max(1, (int)Math.Round(samples / microBatch)) : Accumulation(row.Notes) ?? Or(0, AssumedMicroBatches, "micro-batches");
        var run = new Workload
        {
            Model = model,
            Sequence = sequence,
            MicroBatch = microBatch,
            MicroBatches = microBatches,
            Layout = new ParallelLayout(data, tensor, pipeline, context),
            Stage = Stage(row.Strategy),
            ShardGroup = ShardGroup(row.Strategy, data * context, cluster.DevicesPerNode),
            Dtype = row.Precision.Contains("fp8", StringComparison.OrdinalIgnoreCase) ? "fp8" : cluster.Device.PeakFlopsPerSecond.ContainsKey("bf16") ? "bf16" : "fp16",
            RowwiseFp8 = row.Precision.Contains("rowwise", StringComparison.OrdinalIgnoreCase) || row.Precision.Contains("mxfp8", StringComparison.OrdinalIgnoreCase),
            GathersFp8 = row.Precision.Contains("fp8 all-gather", StringComparison.OrdinalIgnoreCase),
            Recompute = RecomputeOf(row.Recomputation),
            Compiled = row.Compilation.StartsWith("compile", StringComparison.OrdinalIgnoreCase) || row.Compilation.StartsWith("XLA", StringComparison.Ordinal),
            AsyncTensor = row.Strategy.Contains("async", StringComparison.OrdinalIgnoreCase),
            Chunks = Chunks(row.Strategy, model.Layers, pipeline),
            SequenceParallel = profile.SequenceParallel || SplitsSequence().IsMatch(row.Strategy + " " + row.Recomputation),
            LossChunks = LossChunksOf(row),
            UpdatesInBackward = row.Notes.Contains("optimizer in backward", StringComparison.OrdinalIgnoreCase),
            FusedAttention = !row.Strategy.Contains("unfused", StringComparison.OrdinalIgnoreCase),
            KeepsGathered = row.Strategy.Contains("no reshard", StringComparison.OrdinalIgnoreCase) || row.Strategy.Contains("SHARD_GRAD_OP", StringComparison.Ordinal),
        };
        if (!IsRecomputeStated(row.Recomputation) && CountsMoreThanTheModel(row, run))
        {
            run = run with { Recompute = Recompute.Full };
            assumed.Add("recomputation: Full, which the published FLOP/s count beside the model's");
        }
        else if (!IsRecomputeStated(row.Recomputation))
        {
            run = run with { Recompute = LeastThatFits(run, cluster, profile) };
            assumed.Add($"recomputation: {run.Recompute}, the least that fits the device");
        }

        return new PublishedWorkload(run.Checked(), cluster, profile, assumed);

        int Or(int value, int otherwise, string what)
        {
            if (value > 0)
                return value;
            assumed.Add($"{what} {otherwise}");
            return otherwise;
        }
    }

    // What a rank is given at once, as far as the publisher says.
    private static bool IsBatchOfARank(PublishedRow row) =>
        row.Notes.Contains("batch column is per DP rank", StringComparison.OrdinalIgnoreCase) && row.Number("global_batch_tokens") > 0 && row.Count("pp") <= 1;

    // Most that divides: pipelines run single samples, others up to four.
    private static int MicroBatch(double samples, int pipeline) => pipeline > 1 || samples < 2 ? 1 : samples < 4 ? 2 : 4;

    private static int Stage(string strategy)
    {
        if (strategy.Contains("SHARD_GRAD_OP", StringComparison.Ordinal) || strategy.Contains("FSDP", StringComparison.Ordinal)
            || strategy.Contains("ZeRO-3", StringComparison.Ordinal) || strategy.StartsWith("HSDP", StringComparison.Ordinal))
        {
            return 3;
        }

        if (strategy.Contains("ZeRO-2", StringComparison.Ordinal))
            return 2;
        return strategy.Contains("ZeRO-1", StringComparison.Ordinal) ? 1 : 0;
    }

    private static int ShardGroup(string strategy, int replicas, int devicesPerNode)
    {
        var over = GroupOf().Match(strategy);
        var group = over.Success
            ? int.Parse(over.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)
            : strategy.Contains("HSDP", StringComparison.Ordinal) ? devicesPerNode : 0;
        return group < replicas && group > 0 && replicas % group == 0 ? group : 0;
    }

    private static int Chunks(string strategy, int layers, int pipeline)
    {
        if (pipeline == 1)
            return 1;
        if (strategy.Contains("1 layer per chunk", StringComparison.Ordinal))
            return Math.Max(1, layers / pipeline);
        var virtualStages = VirtualStages().Match(strategy);
        return virtualStages.Success
            ? Math.Clamp(int.Parse(virtualStages.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), 1, Math.Max(1, layers / pipeline))
            : 1;
    }

    private static int? Accumulation(string notes)
    {
        var match = GradientAccumulation().Match(notes);
        return match.Success ? int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : null;
    }

    private static bool IsRecomputeStated(string text) => text.StartsWith("full", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("none", StringComparison.OrdinalIgnoreCase) || text.StartsWith("selective", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("partial", StringComparison.OrdinalIgnoreCase);

    // Speed and FLOP/s together say how much is computed for a token: a third more than the model needs is a second forward.
    private static bool CountsMoreThanTheModel(PublishedRow row, Workload run)
    {
        var (tokens, flops) = (row.Measured("tokens_per_s_per_gpu"), row.Measured("tflops_per_gpu") * 1e12);
        return tokens > 0 && flops / tokens / run.Model.FlopsPerToken(run.Sequence) is > LeastRecomputed and < MostRecomputed;
    }

    private static Recompute LeastThatFits(Workload run, ClusterDescription cluster, ImplementationProfile profile) =>
        new[] { Recompute.None, Recompute.PerOp }.FirstOrDefault(
            recompute => MemoryPredictor.Predict(run with { Recompute = recompute }, profile).Total * profile.Reserved <= cluster.Device.MemoryBytes,
            Recompute.Full);

    private static int LossChunksOf(PublishedRow row)
    {
        var chunks = HeadChunks().Match(row.Notes + " " + row.Recomputation);
        if (chunks.Success)
            return int.Parse(chunks.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        return row.Notes.Contains("chunked CE", StringComparison.OrdinalIgnoreCase) ? ChunkedLoss : 1;
    }

    private static Recompute RecomputeOf(string text)
    {
        if (text.StartsWith("full", StringComparison.OrdinalIgnoreCase))
            return Recompute.Full;
        if (text.StartsWith("selective (attention)", StringComparison.OrdinalIgnoreCase))
            return Recompute.Attention;
        if (text.StartsWith("selective layer", StringComparison.OrdinalIgnoreCase))
            return Recompute.EverySecondBlock;
        if (text.StartsWith("selective", StringComparison.OrdinalIgnoreCase) || text.StartsWith("partial", StringComparison.OrdinalIgnoreCase))
            return Recompute.PerOp;
        return Recompute.None;
    }

    [GeneratedRegex(@"\bSP\b|sequence parallel", RegexOptions.CultureInvariant)]
    private static partial Regex SplitsSequence();

    [GeneratedRegex(@"lmhead-chunks (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex HeadChunks();

    [GeneratedRegex(@"over (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex GroupOf();

    [GeneratedRegex(@"VP (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex VirtualStages();

    [GeneratedRegex(@"grad-accum (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex GradientAccumulation();
}

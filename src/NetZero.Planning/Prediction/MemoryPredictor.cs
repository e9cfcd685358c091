namespace NetZero.Planning;

/// <summary>Predicts allocated bytes of a system that is not NetZero; NetZero's own peaks come from its program on Meta and are exact.</summary>
/// <remarks>
/// Model states by the ZeRO stage; activations by what backward needs of each op (V. Korthikanti et al., "Reducing Activation Recomputation in Large Transformer
/// Models", 2022, section 4, without scores where attention is fused); logits with the loss's copies.
/// </remarks>
public static class MemoryPredictor
{
    // The block that computes and the one that is being gathered.
    private const int GatheredBlocks = 2;

    // Scores, softmax and dropout mask of attention that is not fused: 5 bytes an entry (Korthikanti et al., section 4.1).
    private const double ScoreBytes = 5;

    /// <summary>The peak of the rank that holds most.</summary>
    /// <exception cref="ArgumentException">The workload cannot run.</exception>
    public static MemoryPrediction Predict(Workload run, ImplementationProfile profile)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(profile);
        run.Checked();
        var first = OfStage(run, profile, lastStage: false);
        var last = OfStage(run, profile, lastStage: true);
        return run.Layout.Pipeline == 1 || profile.LastStageLogs || last.Total > first.Total ? last : first;
    }

    private static MemoryPrediction OfStage(Workload run, ImplementationProfile profile, bool lastStage)
    {
        var sizes = new StageSizes(run);
        var parameters = (double)sizes.Parameters;
        var share = parameters / run.Shards;
        var tokens = (double)run.MicroBatch * run.Sequence / run.Layout.Context;
        var (p, g, o) = (profile.States.ParameterBytes, profile.States.GradientBytes, profile.States.OptimizerBytes);
        var (keepsParameters, keepsOptimizer) = (!run.Offload.HasFlag(Offload.Parameters), !run.Offload.HasFlag(Offload.Optimizer));
        var states = (keepsParameters ? (run.Stage >= 3 ? share : parameters) * p : 0, keepsOptimizer ? (run.Stage >= 1 ? share : parameters) * o : 0);
        var gradients = run.UpdatesInBackward ? g * sizes.BlockParameters : keepsParameters ? (run.Stage >= 2 ? share : parameters) * g : 0;
        var gathered = run.Stage >= 3 && run.Shards > 1
            ? run.ElementBytes * (run.KeepsGathered ? parameters : sizes.RootParameters + (double)GatheredBlocks * sizes.BlockParameters)
            : 0;
        var kept = BlockBytes(run, profile, tokens);
        var input = tokens * run.Model.Hidden / (run.SequenceParallel ? run.Layout.Tensor : 1) * run.ElementBytes;
        var inFlight = InFlight(run, lastStage);
        var all = sizes.Blocks * inFlight * run.Recompute switch
        {
            Recompute.None or Recompute.Attention => kept,
            Recompute.PerOp => profile.KeptPerOp * kept,
            Recompute.EverySecondBlock => (kept + input) / 2,
            _ => run.Offload.HasFlag(Offload.Checkpoints) ? 0 : input,
        };
        var atWork = run.Recompute is Recompute.None or Recompute.Attention ? 0 : kept;
        var logits = lastStage ? tokens * run.Model.Vocabulary / run.Layout.Tensor / run.LossChunks * profile.LogitBytes : 0;

        // Gradients of earlier micro-batches, or main gradients that always stay, are there when backward begins; otherwise they appear while activations go.
        var gradientsEarly = profile.KeepsGradients || run.MicroBatches > 1 ? gradients : 0;
        var gradientsInBackward = run.Stage >= 2 ? run.ElementBytes * sizes.BlockParameters : 0;
        var backwardBegins = new MemoryPrediction(states.Item1, gradientsEarly, states.Item2, gathered, all, logits, profile.FixedBytes, "backward begins");
        var backwardRuns = new MemoryPrediction(states.Item1, gradientsEarly, states.Item2, gathered + gradientsInBackward, all + atWork, 0, profile.FixedBytes, "backward runs");
        var update = new MemoryPrediction(states.Item1, gradients, states.Item2, 0, 0, 0, profile.FixedBytes, "update");
        return new[] { backwardBegins, backwardRuns, update }.MaxBy(moment => moment.Total);
    }

    // Under 1F1B the first stage has as many micro-batches in flight as there are stages, the last has one. With v chunks a stage, the warm-up is 2 (p - rank - 1) + (v - 1) p
    // chunks (Narayanan et al. 2021, section 2.2.2), and one more is at work.
    private static double InFlight(Workload run, bool lastStage)
    {
        var stages = run.Layout.Pipeline;
        if (stages == 1)
            return 1;
        if (run.Chunks == 1)
            return lastStage ? 1 : Math.Min(run.MicroBatches, stages);
        var warmUp = (lastStage ? 0 : 2 * (stages - 1)) + (run.Chunks - 1) * stages + 1;
        return Math.Min(warmUp, run.MicroBatches * run.Chunks) / (double)run.Chunks;
    }

    // Inputs of both norms and of what follows them (4 C), queries, keys, values, attention's output (2 Q + 2 K), and of the MLP: GELU's input and output (2 F), or
    // SwiGLU's gate, its activation, the other factor and the product (4 F).
    private static double BlockBytes(Workload run, ImplementationProfile profile, double tokens)
    {
        var model = run.Model;
        var tensor = (double)run.Layout.Tensor;
        var elements = 4.0 * model.Hidden / (run.SequenceParallel ? tensor : 1)
            + (2.0 * (model.QueryWidth + model.KeyValueWidth) + (model.Gated ? 4.0 : 2.0) * model.FeedForward * model.ActiveExperts) / tensor;
        var scores = run.FusedAttention ? 0 : ScoreBytes * model.Heads * run.Sequence / tensor;
        return tokens * (elements * run.ElementBytes * (run.Compiled ? profile.CompiledKept : profile.Kept) + scores);
    }
}

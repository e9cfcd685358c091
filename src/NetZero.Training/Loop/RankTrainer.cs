using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>One rank's part of a run. Rank 0 writes and reports for all.</summary>
internal sealed class RankTrainer(RunState state, RankContext rank, bool isProcess)
{
    private readonly RunConfiguration _run = state.Run;
    private readonly TimeLeftEstimate _timeLeft = new();

    private bool Reports => rank.Rank == 0;

    public Task RunAsync()
    {
        var module = RunParts.Shard(_run, state.Model, rank.Group, rank.Tensors, state.Source);
        if (state.Files.Trace is { } trace)
            module.Observer = new TraceRecorder(trace, rank.Tensors.Ledger, rank.Rank, state.Started);
        var order = new SampleOrder(state.Text.SampleCount, _run.Data.Shuffle, _run.Seed);
        var data = new TextBatches(new BatchReader(state.Text.Tokens, order, BatchLayout.Of(_run), rank.Rank));
        var loop = RunParts.Loop(_run, module, data);
        for (var step = 0; step < _run.Steps; step++)
        {
            var result = loop.Step(step, rank.Cancellation);
            ReportMemory(RankReport.Of(_run, module, loop));
            var evaluation = _run.EvalEvery > 0 && (step + 1) % _run.EvalEvery == 0 ? Evaluate(loop, step) : null;
            if (Reports)
                Report(result, evaluation);
        }

        Save(module);
        ReportMemory(RankReport.Of(_run, module, loop));
        return Task.CompletedTask;
    }

    private double? Evaluate(TrainingLoop loop, int step)
    {
        if (state.Validation is not { } validation)
            return null;
        var start = Stopwatch.GetTimestamp();
        var layout = BatchLayout.Of(_run) with { MicroBatches = 1 };
        var order = new SampleOrder(validation.SampleCount, shuffle: false, _run.Seed);
        var loss = loop.Evaluate(
            new TextBatches(new BatchReader(validation.Tokens, order, layout, rank.Rank)), validation.SampleCount, rank.Cancellation);
        if (Reports)
            state.Observer.OnEvaluation(new EvaluationReport(step, loss, Stopwatch.GetElapsedTime(start).TotalSeconds));
        return loss;
    }

    // Ranks of one process share the state; others send their numbers.
    private void ReportMemory(RankMemory memory)
    {
        foreach (var each in isProcess ? RankReport.Share(rank.Group, memory) : [memory])
            state.Report(each);
    }

    private void Report(StepResult result, double? validationLoss)
    {
        var step = (int)result.Step;
        var metrics = new StepMetrics(
            step, result.Loss, result.GradientNorm, result.LearningRate, (step + 1) * _run.TokensPerStep, _run.TokensPerStep / result.Seconds, result.Seconds,
            validationLoss);
        state.Files.Write(metrics);
        state.Report(metrics);
        state.Observer.OnStep(new StepReport(
            metrics, _run.Steps, [.. state.Memory.Select(m => m.Peak)], _timeLeft.After(result.Seconds, _run.Steps - step - 1)));
    }

    private void Save(ShardedModule module)
    {
        module.Observer = null;
        Gpt2Files.Save(module, state.Files.ModelPath);
        if (Reports)
            state.Tokenizer.Save(state.Files.ModelPath);
    }
}

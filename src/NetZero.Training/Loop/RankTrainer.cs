using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>One rank's part of a run. Rank 0 writes and reports for all.</summary>
/// <param name="state">What the ranks share.</param>
/// <param name="rank">The rank.</param>
/// <param name="isProcess">Whether the others are processes.</param>
/// <param name="stop">When cancelled, the run ends after the step at hand and saves before; ranks agree on it. Only where checkpoints are on.</param>
internal sealed class RankTrainer(RunState state, RankContext rank, bool isProcess, CancellationToken stop)
{
    private readonly RunConfiguration _run = state.Run;
    private readonly TimeLeftEstimate _timeLeft = new();
    private readonly SampleOrder _order = state.Text.Order;

    private readonly StragglerWatch _stragglers = new();

    private readonly EarlyStopping _early = new(state.Run.EarlyStopping);

    // Samples of the steps before the first, less those that steps of this batch size would have used.
    private long _origin;

    // Of the whole run, those before the first included.
    private int _steps;

    private bool Reports => rank.Rank == 0;

    public Task RunAsync()
    {
        if (Reports)
            rank.Tensors.Notice = state.Observer.OnNotice;
        var module = RunParts.Shard(_run, state.Model, rank.Group, rank.Tensors, state.Source);
        var optimizer = OptimizerParts.Make(_run, module);
        var first = Begin(module, optimizer);
        _steps = state.Text.Steps(_origin);
        var data = new TextBatches(state.Text.ReaderOf(rank.Rank, _origin));
        var loop = RunParts.Loop(_run, module, optimizer, data);
        if (state.Files.Trace is { } trace)
            module.Observer = new TraceRecorder(trace, rank.Tensors.Ledger, rank.Rank, state.Started);
        using var checkpoints = _run.Checkpoints.IsOn ? new RunCheckpoints(state, rank, _order, module, optimizer, _early) : null;
        if (first > 0)
            checkpoints?.SendMissing(first);
        var saved = first;
        for (var step = first; step < _run.Steps && _early.Reason is null; step++)
        {
            var waited = rank.Group.Recorder.WaitSeconds;
            if (!loop.TryStep(step, out var result, rank.Cancellation))
            {
                if (saved != step)
                    checkpoints?.Save(step, SamplesAfter(step - 1), _run.Checkpoints.KeepBest > 0 ? Evaluate(loop, step - 1) : null);
                break;
            }

            var waits = WaitsSince(waited);
            ReportMemory(RankReport.Of(_run, module, loop));
            var (save, stopped) = checkpoints?.After(step + 1, stop.IsCancellationRequested) ?? default;
            var regular = _run.EvalEvery > 0 && (step + 1) % _run.EvalEvery == 0;
            var evaluation = regular || (save && _run.Checkpoints.KeepBest > 0) ? Evaluate(loop, step) : null;

            // Those that a save asks for may come by the clock, and do not count.
            if (regular && evaluation is { } loss)
                _early.After(step + 1, loss);
            if (Reports)
                Report(result, waits, evaluation);
            if (save || (_early.Reason is not null && checkpoints is not null))
            {
                checkpoints!.Save(step + 1, SamplesAfter(step), evaluation);
                saved = step + 1;
            }

            if (stopped)
            {
                checkpoints!.FinishRequired(step + 1);
                state.Stopped = true;
                return Task.CompletedTask;
            }
        }

        checkpoints?.Finish();
        state.EarlyStop = _early.Reason;
        if (_run.Ema is { IsOn: true, Save: true })
            optimizer.ExchangeAverages();
        Save(module);
        ReportMemory(RankReport.Of(_run, module, loop));
        return Task.CompletedTask;
    }

    // The first step: 0, or where a checkpoint was saved. Only when that is loaded are the files of the run touched that goes on.
    private int Begin(ShardedModule module, Optimizer optimizer)
    {
        if (state.Resume is not { Candidates.Count: > 0 } plan)
            return 0;
        var report = Resumption.Restore(plan, _run, _order, module, optimizer, _early);
        _origin = report.Samples - (report.Step * _run.TrainBatchSize);
        if (Reports)
            state.Begin(report);
        rank.Group.Barrier("resume");
        return (int)report.Step;
    }

    private long SamplesAfter(int step) => _origin + ((step + 1L) * _run.TrainBatchSize);

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

    // How long each rank waited for others in a step, of which its own count was taken at the beginning.
    private double[] WaitsSince(double before)
    {
        if (rank.WorldSize == 1)
            return [];
        var waits = new double[rank.WorldSize];
        waits[rank.Rank] = rank.Group.Recorder.WaitSeconds - before;
        rank.Group.AllReduce("waits", waits, ReduceOp.Sum);
        return waits;
    }

    private void Report(StepResult result, double[] waits, double? validationLoss)
    {
        var step = (int)result.Step;
        var tokens = state.Text.TokensUpTo(SamplesAfter(step));
        var metrics = new StepMetrics(
            step, result.Loss, result.GradientNorm, result.LearningRate, tokens, (tokens - state.Text.TokensUpTo(SamplesAfter(step - 1))) / result.Seconds, result.Seconds,
            validationLoss, result.LossScale, result.Skipped)
        {
            WaitSeconds = waits,
        };
        if (_stragglers.After(step, result.Seconds, waits) is { } straggler)
        {
            state.Stragglers[straggler.Rank] = straggler;
            state.Observer.OnStraggler(straggler);
        }

        state.Files.Write(metrics);
        state.Report(metrics);
        state.Observer.OnStep(new StepReport(
            metrics, _steps, [.. state.Memory.Select(m => m.Peak)], _timeLeft.After(result.Seconds, _steps - step - 1)));
    }

    private void Save(ShardedModule module)
    {
        module.Observer = null;
        if (_run.Lora.ToOptions() is { } adapters)
            AdapterFolderWriter.Save(module, adapters, _run.InitFrom ?? RunFolder.ModelFolder, state.Files.AdapterPath);

        // The base that adapters were trained on is there already, unless it was drawn from the seed.
        if (_run is { Lora.IsOn: true, InitFrom: not null })
            return;
        Gpt2Files.Save(module, state.Files.ModelPath);
        if (Reports)
            state.Tokenizer.Save(state.Files.ModelPath);
    }
}

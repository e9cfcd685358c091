using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>One rank's part of a run. Rank 0 writes and reports for all.</summary>
/// <remarks>
/// Note: a step ahead. Where kernels run later than they are called, a step's numbers are waited for when the next step has been enqueued, so that the device never waits for the
/// host. What ranks ask of each other (to stop, to save) is answered that much later, after the same step on all ranks. Before an evaluation or a save nothing is left under way.
/// What the host itself asks the ranks for in each step does wait: whether text is left (<c>data.epochs</c>), and the events of a trace of processes.
/// </remarks>
/// <param name="state">What the ranks share.</param>
/// <param name="rank">The rank.</param>
/// <param name="options">What was asked for beyond the configuration.</param>
internal sealed class RankTrainer(RunState state, RankContext rank, TrainingOptions options)
{
    private readonly RunConfiguration _run = state.Run;
    private readonly TimeLeftEstimate _timeLeft = new();
    private readonly SampleOrder _order = state.Text.Order;

    private readonly StragglerWatch _stragglers = new();

    private readonly EarlyStopping _early = new(state.Run.EarlyStopping);

    private readonly Queue<StepUnderWay> _underWay = [];

    // Where there are reports, the latest step that has been waited for, until it is reported.
    private (StepResult Result, double[] Waits)? _found;

    // What ranks have asked for and not been given.
    private bool _asksToStop;
    private bool _asksToSave;

    // Samples of the steps before the first, less those that steps of this batch size would have used.
    private long _origin;

    // Of the whole run, those before the first included.
    private int _steps;

    // Of ranks that are processes; those of one process write their events themselves.
    private TraceExchange? _trace;

    private bool Reports => rank.Rank == 0;

    public Task RunAsync()
    {
        if (Reports)
            rank.Tensors.Notice = state.Observer.OnNotice;
        var module = RunParts.Shard(_run, state.Model, rank.Group, rank.Tensors, state.Source);
        var optimizer = OptimizerParts.Make(_run, module);
        var first = Begin(module, optimizer);
        var data = new TextBatches(state.Text.ReaderOf(rank.Rank, _origin));
        using var checkpoints = _run.Checkpoints.IsOn ? new RunCheckpoints(state, rank, _order, module, optimizer, _early) : null;
        RankReport? report = null;
        var news = new RankNews(rank)
        {
            Stop = () => checkpoints is not null && options.Stop.IsCancellationRequested,
            Save = () => Reports && checkpoints is { IsDueByTime: true },
            Memory = () => report!.Now(),
        };
        var loop = RunParts.Loop(_run, module, optimizer, data, news, _steps);
        report = new RankReport(_run, module, loop);
        if (options.Trace)
            module.Observer = Recorder();
        if (first > 0)
            checkpoints?.SendMissing(first);
        var saved = first;
        for (var step = first; step < _run.Steps && _early.Reason is null; step++)
        {
            if (_underWay.Count == 0)
                news.BeginStep();
            if (!loop.TryBegin(step, out var begun, rank.Cancellation))
            {
                Settle(0);
                Report(null);
                if (saved != step)
                    checkpoints?.Save(step, SamplesAfter(step - 1), _run.Checkpoints.KeepBest > 0 ? Evaluate(loop, step - 1) : null);
                break;
            }

            news.EndStep();
            _trace?.Share();
            _underWay.Enqueue(begun);
            var last = step + 1 == _run.Steps;
            var regular = _run.EvalEvery > 0 && (step + 1) % _run.EvalEvery == 0;
            var due = checkpoints is not null && (last || checkpoints.IsDueAfter(step + 1));
            Settle(last || regular || due || rank.Tensors.Device.IsSynchronous ? 0 : 1);
            checkpoints?.Poll();
            var save = due || _asksToStop || _asksToSave;
            if (save)
                Settle(0);
            var stopped = _asksToStop && !last;
            var evaluation = regular || (save && _run.Checkpoints.KeepBest > 0) ? Evaluate(loop, step) : null;

            // Those that a save asks for may come by the clock, and do not count.
            if (regular && evaluation is { } loss)
                _early.After(step + 1, loss);
            Report(evaluation);
            if (save || (_early.Reason is not null && checkpoints is not null))
            {
                checkpoints!.Save(step + 1, SamplesAfter(step), evaluation);
                saved = step + 1;
                _asksToSave = false;
            }

            if (stopped)
            {
                checkpoints!.FinishRequired(step + 1);
                state.Stopped = true;
                break;
            }
        }

        checkpoints?.Finish();
        _trace?.Share();
        state.EarlyStop = _early.Reason;

        // A run that was asked to stop has its checkpoint; the model is what it would end with.
        if (!state.Stopped)
            SaveModel(module, optimizer);
        var memory = news.ShareMemory(rank.Group);
        if (Reports)
            ReportMemory(memory);
        return Task.CompletedTask;
    }

    // Waits for steps until only so many are under way.
    private void Settle(int underWay)
    {
        while (_underWay.Count > underWay)
        {
            Report(null);
            var result = _underWay.Dequeue().Finish();
            var told = result.Told.Span;
            var (asksToStop, asksToSave) = RankNews.AskedIn(told);
            _asksToStop |= asksToStop;
            _asksToSave |= asksToSave;
            if (!Reports)
                continue;
            ReportMemory(RankNews.MemoryIn(told));
            _found = (result, RankNews.WaitsIn(told));
        }
    }

    // The first step: 0, or where a checkpoint was saved. Only when that is loaded are the files of the run touched that goes on.
    private int Begin(ShardedModule module, Optimizer optimizer)
    {
        var report = state.Resume is { Candidates.Count: > 0 } plan ? Resumption.Restore(plan, _run, _order, module, optimizer, _early) : null;
        if (report is not null)
            _origin = report.Samples - (report.Step * _run.TrainBatchSize);
        _steps = state.Steps = state.Text.Steps(_origin);
        _run.Scheduler.CheckSteps(_steps);
        if (report is null)
            return 0;
        if (Reports)
            state.Begin(report);
        rank.Group.Barrier("resume");
        return (int)report.Step;
    }

    // The files are open by now.
    private TraceRecorder Recorder()
    {
        var (writer, ledger) = (state.Files.Trace, rank.Tensors.Ledger);
        if (options.Worker is not { } worker)
            return new((in e) => writer!.Write(e), ledger, rank.Rank, state.Started);
        _trace = new TraceExchange(rank, writer);
        return new(_trace.Add, ledger, rank.Rank, TraceExchange.Origin(rank, state.Started, worker.LocalWorldSize == worker.WorldSize));
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

    private void ReportMemory(RankMemory[] memory)
    {
        foreach (var each in memory)
            state.Report(each);
    }

    // The latest step that was waited for, once.
    private void Report(double? validationLoss)
    {
        if (_found is not var (result, waits))
            return;
        _found = null;
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

    private void SaveModel(ShardedModule module, Optimizer optimizer)
    {
        if (_run.Ema is { IsOn: true, Save: true })
            optimizer.ExchangeAverages();
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

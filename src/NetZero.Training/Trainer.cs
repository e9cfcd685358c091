using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Collectives.Mpi;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Trains what a configuration says and writes the run's folder.</summary>
public static class Trainer
{
    // Rank 0 alone writes the model and calls the observer, whose terminal may stand still as long as a person likes, while the others wait in a
    // collective. Ranks of one process that fail or leave are named at once, so all that a limit can find is a rank that waits for ever.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    // A process that hangs does not leave, and its node is paid for while the others wait.
    private static readonly TimeSpan ProcessWait = TimeSpan.FromSeconds(60);

    /// <summary>Checks everything, then trains.</summary>
    /// <param name="run">The run.</param>
    /// <param name="options">What is asked for beyond it.</param>
    /// <param name="observer">Told what happens.</param>
    /// <param name="cancellation">Ends the run early; the summary then says so.</param>
    /// <remarks>Where ranks are processes, each calls this with its <see cref="TrainingOptions.Worker"/>, and rank 0 writes the run.</remarks>
    /// <exception cref="ConfigurationException">Something that the user can mend is wrong; nothing was written.</exception>
    /// <exception cref="CheckpointFormatException">The folder that the run starts from is damaged or does not fit; nothing was written.</exception>
    /// <exception cref="CheckpointException">The checkpoint that the run goes on from is damaged or of another model; the run's files are as they were.</exception>
    /// <exception cref="MpiLibraryException">The ranks were started by MPI, and its library is not there; nothing was written.</exception>
    /// <exception cref="MemoryBudgetExceededException">The budget does not hold the run; nothing was written.</exception>
    public static async Task<RunSummary> RunAsync(
        RunConfiguration run, TrainingOptions options, ITrainingObserver observer, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(observer);
        CheckWorker(run, options);
        using var stores = RunStores.Of(run, options);
        var resume = options.ResumePlan(run, stores);
        var folder = options.Writes ? RunFolder.Check(run, options, resume, stores) : RunFolder.OfAnotherRank(run);
        var tokenizer = Tokenizers.Create(run.Data.Tokenizer);
        using var text = TrainingText.Open(run, tokenizer);
        run.Scheduler.CheckSteps(text.Steps());
        using var validation = TextDataset.OpenValidation(run, tokenizer);
        using var start = run.InitFrom is { } path ? HuggingFaceFolder.Open(path) : null;
        MachineLimits.Check(run, options.Worker);
        var model = RunParts.Model(run, exactGelu: start is { Config.UsesTanhGelu: false });
        var module = RunParts.Module(run, model);
        start?.Match(Gpt2Files.Specs(module));
        OptimizerParts.Check(run, module);
        if (run.MemoryBudgetBytes > 0)
            MemoryPlan.Predict(run);

        using var files = new RunFiles(folder, stores.Own, options.Trace, observer, options.Writes);
        var restores = resume is { Candidates.Count: > 0 };
        if (!restores)
            files.Begin(run);
        observer.OnStart(new RunStart(run, folder.FullPath, module.ParameterCount(), text.Whole.Tokens.Count, text.SampleCount, text.Whole.Source.Skipped)
        {
            AdapterParameterCount = Lora.Parameters(module).Sum(p => p.Parameter.Shape.Elements),
        });
        if (resume is not null && !restores)
            observer.OnResume(new ResumeReport(resume.Place, null, 0, 0, [], []));
        var source = start is null ? null : Source(run, new HuggingFaceSource(start), restores);
        KeyValuePair<string, string>[] agreement = options.Worker is null
            ? []
            :
            [
                .. RunAgreement.Of(run), RunAgreement.Of(resume), RunAgreement.OfTrace(options.Trace),
                .. RunAgreement.OfContents(text.Whole, validation, start),
            ];
        var state = new RunState(run, model, text, validation, source, files, stores.Own, tokenizer, observer, resume);
        return await TrainAsync(run, options, state, agreement, folder, observer, cancellation).ConfigureAwait(false);
    }

    // A checkpoint has all that is trained; the base of adapters comes from where it came at first.
    private static IParameterSource? Source(RunConfiguration run, HuggingFaceSource start, bool restores) =>
        run.Lora.IsOn ? new AdaptedValues(start, new InitialValues(run.Seed)) : restores ? null : start;

    private static async Task<RunSummary> TrainAsync(
        RunConfiguration run, TrainingOptions options, RunState state, KeyValuePair<string, string>[] agreement, RunFolder folder,
        ITrainingObserver observer, CancellationToken cancellation)
    {
        // Beside training, because nothing waits for it before the summary.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // Without checkpoints there is nothing to finish first.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, run.Checkpoints.IsOn ? default : options.Stop);
        var entropy = Task.Run(() => TokenStatistics.UnigramEntropy(state.Text.Whole.Tokens, run.Model.VocabularySize, stop.Token), stop.Token);
        var started = Stopwatch.GetTimestamp();
        var cancelled = false;
        try
        {
            await RunRanksAsync(
                run, options, agreement, rank => new RankTrainer(state, rank, options).RunAsync(), end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            cancelled = true;
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)entropy).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        await ((Task)entropy).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var metrics = state.Metrics;
        var stepsDone = (int)(state.Resumed?.Step ?? 0) + metrics.Count;
        state.Files.WriteMemory(state.Memory);
        var (sample, diverged) = cancelled || state.Stopped || !options.Writes
            ? (null, false)
            : await SampleAsync(folder, run, cancellation).ConfigureAwait(false);
        var summary = new RunSummary
        {
            OutputDirectory = folder.FullPath,
            Files = state.Files.Written(),
            Cancelled = cancelled,
            Stopped = state.Stopped,
            EarlyStop = stepsDone < state.Steps ? state.EarlyStop : null,
            Checkpoint = state.Saved?.Path,
            ResumedFrom = state.Resumed?.Step,
            Stragglers = [.. state.Stragglers.Values],
            StepsDone = stepsDone,
            Steps = run.Steps,
            TextSteps = state.Steps < run.Steps ? state.Steps : null,
            FirstLoss = (state.Earlier.First ?? metrics.FirstOrDefault())?.Loss,
            LastLoss = (metrics.LastOrDefault() ?? state.Earlier.Last)?.Loss,
            ValidationLoss = metrics.LastOrDefault(m => m.ValidationLoss is not null)?.ValidationLoss ?? state.Earlier.ValidationLoss,
            UnigramEntropy = entropy.IsCompletedSuccessfully ? await entropy.ConfigureAwait(false) : null,
            TokensPerSecond = RunState.MedianTokensPerSecond(metrics),
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Memory = state.Memory,
            Sample = sample,
            Diverged = diverged,
        };
        observer.OnEnd(summary);
        return summary;
    }

    private static Task RunRanksAsync(
        RunConfiguration run, TrainingOptions asked, KeyValuePair<string, string>[] agreement, Func<RankContext, Task> program,
        CancellationToken cancellation)
    {
        var worker = asked.Worker;
        if (worker is null)
            return World.RunAsync(run.Ranks, program, Options(run, asked.Device), cancellation);
        var options = Options(run, asked.Device) with { Timeout = ProcessTimeout(run), Agreement = agreement };
        return worker.UsesMpi ? MpiWorld.RunAsync(worker, program, options, cancellation) : ProcessWorld.RunAsync(worker, program, options, cancellation);
    }

    private static void CheckWorker(RunConfiguration run, TrainingOptions options)
    {
        if (!run.Deterministic && options.Worker is not { UsesMpi: true })
            throw new ConfigurationException("'deterministic' is false, which would have no effect: only ranks that were started by MPI can add in another order; leave it out");
        if (options.Worker is not { } worker)
            return;
        if (worker.WorldSize != run.Ranks)
            throw new ConfigurationException($"'ranks' is {run.Ranks}, but this process was started as one of {worker.WorldSize}; leave 'ranks' out, or give the same number");
        if (worker.UsesMpi)
            MpiWorld.CheckLibrary(worker);
    }

    private static TimeSpan ProcessTimeout(RunConfiguration run) => run.TimeoutSeconds > 0 ? TimeSpan.FromSeconds(run.TimeoutSeconds) : ProcessWait;

    // The run is over and its files are written: who does not want to wait for a sample gets the summary without one, at once;
    // and weights that write no text are the end of a run like any other.
    internal static async Task<(string? Text, bool Diverged)> SampleAsync(RunFolder folder, RunConfiguration run, CancellationToken cancellation)
    {
        try
        {
            var text = await Task.Run(() => TextGenerator.Sample(folder, run, cancellation), CancellationToken.None)
                .WaitAsync(cancellation).ConfigureAwait(false);
            return (text, false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return (null, false);
        }
        catch (DivergedModelException)
        {
            return (null, true);
        }
    }

    internal static WorldOptions Options(RunConfiguration run, Device device) => new()
    {
        Timeout = run.TimeoutSeconds > 0 ? TimeSpan.FromSeconds(run.TimeoutSeconds) : LongestWait,
        Deterministic = run.Deterministic,
        Tensors = new TensorContextOptions
        {
            Device = device,
            Threads = run.ThreadsPerRank,
            Seed = run.Seed,
            MemoryBudgetBytes = run.MemoryBudgetBytes,
        },
    };
}

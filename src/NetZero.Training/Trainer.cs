using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Trains what a configuration says and writes the run's folder.</summary>
public static class Trainer
{
    /// <summary>Checks everything, then trains.</summary>
    /// <param name="run">The run.</param>
    /// <param name="options">What is asked for beyond it.</param>
    /// <param name="observer">Told what happens.</param>
    /// <param name="cancellation">Ends the run early; the summary then says so.</param>
    /// <exception cref="ConfigurationException">Something that the user can mend is wrong; nothing was written.</exception>
    /// <exception cref="CheckpointFormatException">The folder that the run starts from is damaged or does not fit; nothing was written.</exception>
    /// <exception cref="MemoryBudgetExceededException">The budget does not hold the run; nothing was written.</exception>
    public static async Task<RunSummary> RunAsync(
        RunConfiguration run, TrainingOptions options, ITrainingObserver observer, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(observer);
        var folder = RunFolder.Check(run, options.Overwrite);
        var tokenizer = Tokenizers.Create(run.Data.Tokenizer);
        using var text = TextDataset.OpenTraining(run, tokenizer);
        using var validation = TextDataset.OpenValidation(run, tokenizer);
        using var start = run.InitFrom is { } path ? HuggingFaceFolder.Open(path) : null;
        var model = RunParts.Model(run, exactGelu: start is { Config.UsesTanhGelu: false });
        start?.Match(Gpt2Files.Specs(new Gpt2(model)));
        if (run.MemoryBudgetBytes > 0)
            MemoryPlan.Predict(run);

        folder.Begin(run);
        observer.OnStart(new RunStart(run, folder.FullPath, new Gpt2(model).ParameterCount(), text.Tokens.Count, text.SampleCount, text.Source.Skipped));
        using var files = new RunFiles(folder, options.Trace);
        var state = new RunState(run, model, text, validation, start is null ? null : new HuggingFaceSource(start), files, tokenizer, observer);
        return await TrainAsync(run, state, folder, observer, cancellation).ConfigureAwait(false);
    }

    private static async Task<RunSummary> TrainAsync(
        RunConfiguration run, RunState state, RunFolder folder, ITrainingObserver observer, CancellationToken cancellation)
    {
        // Beside training, because nothing waits for it before the summary.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var entropy = Task.Run(() => TokenStatistics.UnigramEntropy(state.Text.Tokens, run.Model.VocabularySize, stop.Token), stop.Token);
        var started = Stopwatch.GetTimestamp();
        var cancelled = false;
        try
        {
            await World.RunAsync(run.Ranks, rank => new RankTrainer(state, rank).RunAsync(), Options(run), cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
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
        state.Files.WriteMemory(state.Memory);
        var summary = new RunSummary
        {
            OutputDirectory = folder.FullPath,
            Files = state.Files.Written(),
            Cancelled = cancelled,
            StepsDone = state.Metrics.Count,
            Steps = run.Steps,
            FirstLoss = state.Metrics.Count > 0 ? state.Metrics[0].Loss : null,
            LastLoss = state.Metrics.Count > 0 ? state.Metrics[^1].Loss : null,
            ValidationLoss = state.Metrics.LastOrDefault(m => m.ValidationLoss is not null)?.ValidationLoss,
            UnigramEntropy = entropy.IsCompletedSuccessfully ? await entropy.ConfigureAwait(false) : null,
            TokensPerSecond = state.MedianTokensPerSecond(),
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Memory = state.Memory,
            Sample = cancelled ? null : TextGenerator.Sample(folder.ModelPath, run, cancellation),
        };
        observer.OnEnd(summary);
        return summary;
    }

    private static WorldOptions Options(RunConfiguration run) => new()
    {
        Tensors = new TensorContextOptions
        {
            Threads = run.ThreadsPerRank,
            Seed = run.Seed,
            MemoryBudgetBytes = run.MemoryBudgetBytes,
        },
    };
}

using System.Diagnostics;

namespace NetZero.Checkpoints;

/// <summary>Sends checkpoints of a folder to a store, and removes those there that are superfluous.</summary>
/// <param name="folder">The folder.</param>
/// <param name="store">The store.</param>
/// <param name="keepLast">How many of the newest stay in the store; 0 is all.</param>
/// <param name="keepBest">How many more stay because their validation loss is the lowest.</param>
public sealed class CheckpointSender(CheckpointFolder folder, ICheckpointStore store, int keepLast, int keepBest)
{
    /// <summary>Sends what was saved, and tries no longer than the store's own retries: the next save sends the next checkpoint.</summary>
    /// <param name="saved">The report of the save.</param>
    /// <param name="cancellation">Gives up; parts that were sent are of use to the next attempt.</param>
    /// <returns>The report with what became of it.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public SaveReport Send(SaveReport saved, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(saved);
        var start = Stopwatch.GetTimestamp();
        if (Attempt(() => Wait(store.PushAsync(saved.Path, cancellation)), cancellation) is { } problem)
            return Done(saved, start, $"it was saved, but could not be sent: {problem.Message}") with { StoreFailed = true };
        problem = Attempt(() =>
        {
            foreach (var step in Retention.Superfluous(store, keepLast, keepBest))
                store.Remove(step);
            Wait(store.RemoveLeftoversAsync(saved.Step, cancellation));
        }, cancellation);
        return Done(saved, start, problem is null ? null : $"it was saved and sent, but older checkpoints could not be removed from the store: {problem.Message}") with
        {
            Stored = store.Of(saved.Step),
        };
    }

    /// <summary>Sends the checkpoint that a run goes on from, if a crash has kept it from the store.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What became of it; null where the store has one of this step or a later one, or the folder has none.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public SaveReport? SendMissing(long step, CancellationToken cancellation)
    {
        var path = folder.Of(step);
        var missing = false;
        var problem = Attempt(() => missing = Directory.Exists(path) && store.Steps().FirstOrDefault(-1) < step, cancellation);
        if (problem is null && !missing)
            return null;
        var bytes = problem is null ? new DirectoryInfo(path).EnumerateFiles().Sum(file => file.Length) : 0;
        var saved = new SaveReport(step, path, bytes, 0, null);
        return problem is null ? Send(saved, cancellation) : saved with { Failure = $"it could not be sent: {problem.Message}", StoreFailed = true };
    }

    private static SaveReport Done(SaveReport saved, long start, string? failure) => saved with
    {
        Seconds = saved.Seconds + Stopwatch.GetElapsedTime(start).TotalSeconds,
        Failure = saved.Failure is { } before && failure is { } now ? $"{before}; {now}" : failure ?? saved.Failure,
    };

    // On a thread without a context of its own, so that waiting for it here blocks nothing that it needs.
    private static void Wait(Task task) => task.GetAwaiter().GetResult();

    // It is saved, whatever goes wrong with the store: only who cancels the run is told so.
    private static Exception? Attempt(Action action, CancellationToken cancellation)
    {
        try
        {
            Task.Run(action).GetAwaiter().GetResult();
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            return e;
        }
    }
}

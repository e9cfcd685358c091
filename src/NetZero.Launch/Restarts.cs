namespace NetZero.Launch;

/// <summary>Whether and how a job goes on after a failure.</summary>
public sealed record RestartPolicy
{
    /// <summary>How many times the ranks are started again; 0 is never.</summary>
    public int MaxRestarts { get; init; }

    /// <summary>What the ranks of a world get in place of <see cref="LaunchOptions.Arguments"/> when they go on.</summary>
    public required Func<int, IReadOnlyList<string>> Arguments { get; init; }

    /// <summary>The worlds that may go on, the largest first; the first of them that is smaller than the one that failed does. None: a world goes on as it was.</summary>
    /// <remarks>A rank that was lost takes its place with it, so each failure makes the world smaller until there is no smaller one, which then goes on as it is.</remarks>
    public IReadOnlyList<int> SmallerWorlds { get; init; } = [];

    /// <summary>Told before the ranks are started again: the cause, the number of the restart from 1, and how many ranks there will be.</summary>
    public Action<WorkerFailure, int, int>? OnRestart { get; init; }

    /// <summary>Exit codes of failures that would come again: a mistake in what was given, a damaged checkpoint, an engine that is missing.</summary>
    public IReadOnlyList<int> FinalExitCodes { get; init; } = [];
}

/// <summary>Runs a job and, when a rank fails, runs all of it again, from where the ranks find themselves to have been.</summary>
public static class Restarts
{
    /// <summary>Runs a job to its end.</summary>
    /// <param name="options">What to start.</param>
    /// <param name="policy">Whether and how it goes on.</param>
    /// <param name="onLine">As for <see cref="Launcher.RunAsync"/>.</param>
    /// <param name="cancellation">As for <see cref="Launcher.RunAsync"/>; nothing is started again after it.</param>
    /// <returns>The cause of the last failure; null when all workers ended well.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; all workers have ended.</exception>
    public static async Task<WorkerFailure?> RunAsync(
        LaunchOptions options, RestartPolicy policy, Action<WorkerLine> onLine, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(policy);
        for (var restart = 1; ; restart++)
        {
            var failure = await Launcher.RunAsync(options, onLine, cancellation).ConfigureAwait(false);
            if (failure is null || restart > policy.MaxRestarts || policy.FinalExitCodes.Contains(failure.ExitCode) || options.Stop.IsCancellationRequested)
                return failure;
            var processes = policy.SmallerWorlds.FirstOrDefault(world => world < options.Processes, options.Processes);
            policy.OnRestart?.Invoke(failure, restart, processes);
            options = options with { Processes = processes, Arguments = policy.Arguments(processes), RestartCount = restart };
        }
    }
}

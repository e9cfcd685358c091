using System.Runtime.ExceptionServices;

namespace NetZero.Collectives;

/// <summary>Runs a program on N ranks that are threads of this process.</summary>
public static class World
{
    /// <summary>Runs <paramref name="program"/> once on each rank and returns when all have ended.</summary>
    /// <param name="ranks">Ranks, at least one. They may be more than the machine's cores.</param>
    /// <param name="program">The program. Each rank runs it on a thread of its own, and an <c>await</c> returns to that thread.</param>
    /// <param name="options">Timeouts and resources.</param>
    /// <param name="cancellationToken">Ends all ranks, also those that wait in a collective.</param>
    /// <remarks>
    /// When a rank throws, the others are released from their collectives with <see cref="PeerFailedException"/>, and the first failure is what
    /// this method throws. A rank that awaits something else is given up after <see cref="WorldOptions.StopGrace"/>; a rank that
    /// computes is not interrupted, it ends at its next collective.
    /// </remarks>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task RunAsync(
        int ranks, Func<RankContext, Task> program, WorldOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        ArgumentNullException.ThrowIfNull(program);
        options ??= new WorldOptions();
        options.Validate();
        cancellationToken.ThrowIfCancellationRequested();

        var world = new InProcessWorld(ranks, options.Timeout, options.Tensors.Threads);
        var threads = Array.ConvertAll(world.Seats, seat => new RankThread(seat, program, options));
        using (cancellationToken.UnsafeRegister((_, token) => world.Cancel(token), null))
        {
            foreach (var thread in threads)
                thread.Start();
            await EndAsync(world, threads, options.StopGrace).ConfigureAwait(false);
        }

        if (world.FirstFailure is { } failure)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>
    /// As <see cref="RunAsync(int, Func{RankContext, Task}, WorldOptions?, CancellationToken)"/>, and gives each rank's result, by rank.
    /// </summary>
    /// <inheritdoc cref="RunAsync(int, Func{RankContext, Task}, WorldOptions?, CancellationToken)"/>
    public static async Task<T[]> RunAsync<T>(
        int ranks, Func<RankContext, Task<T>> program, WorldOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        var results = new T[ranks];
        await RunAsync(ranks, async rank => { results[rank.Rank] = await program(rank); }, options, cancellationToken).ConfigureAwait(false);
        return results;
    }

    private static async Task EndAsync(InProcessWorld world, RankThread[] threads, TimeSpan grace)
    {
        var all = Task.WhenAll(threads.Select(thread => thread.Ended));
        await Task.WhenAny(all, world.Stopping).ConfigureAwait(false);
        if (!all.IsCompleted)
        {
            // Half as long again as the ranks have themselves: then whoever is left computes and will end at its next collective.
            await Task.WhenAny(all, Task.Delay(grace * 1.5, CancellationToken.None)).ConfigureAwait(false);
        }

        foreach (var thread in threads.Where(thread => thread.Ended.IsCompleted))
            thread.Join();
    }
}

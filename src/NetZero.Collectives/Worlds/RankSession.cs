using System.Reflection;
using System.Runtime.ExceptionServices;

namespace NetZero.Collectives;

/// <summary>One process's time as a rank: joins, runs the program on the rank's thread, and tells the coordinator how it ended.</summary>
internal static class RankSession
{
    /// <summary>Runs the rank whose process hosts the coordinator, and keeps that alive for the others.</summary>
    public static async Task HostAsync(Coordinator coordinator, Func<Task> runRank, WorldOptions options, CancellationToken cancellation)
    {
        await using (coordinator.ConfigureAwait(false))
        {
            try
            {
                await runRank().ConfigureAwait(false);
            }
            catch
            {
                // The others end, too, now that they are told why.
                await Task.WhenAny(coordinator.AllGone, Task.Delay(options.StopGrace * 2, CancellationToken.None)).ConfigureAwait(false);
                throw;
            }

            // The others may go on without rank 0, but not without who tells them of failures.
            await coordinator.AllGone.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a rank; the link is closed afterwards.</summary>
    /// <param name="link">To the coordinator.</param>
    /// <param name="join">Comes together with the other ranks.</param>
    /// <param name="program">The rank's program.</param>
    /// <param name="options">Timeouts and resources.</param>
    /// <param name="cancellation">Ends all ranks.</param>
    public static async Task RunAsync(
        CoordinatorLink link, Func<Task<IProcessSeat>> join, Func<RankContext, Task> program, WorldOptions options, CancellationToken cancellation)
    {
        IProcessSeat? seat = null;
        try
        {
            await using (link.ConfigureAwait(false))
            {
                seat = await join().ConfigureAwait(false);
                await RunProgramAsync(seat, link, program, options, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            // Not before the link is closed, which looks at the seat; and not while a rank that was given up may still compute.
            if (seat is { HasEnded: true })
                seat.Dispose();
        }
    }

    /// <summary>What all ranks compare before they begin.</summary>
    public static KeyValuePair<string, string>[] Agreement(WorldOptions options) =>
    [
        new("NetZero", $"{typeof(RankSession).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}"),
        .. options.Agreement,
    ];

    private static async Task RunProgramAsync(
        IProcessSeat seat, CoordinatorLink link, Func<RankContext, Task> program, WorldOptions options, CancellationToken cancellation)
    {
        link.Listen(seat);
        var thread = new RankThread(seat, program, options);
        using (cancellation.UnsafeRegister((_, token) => seat.Fail(new OperationCanceledException(token)), null))
        {
            thread.Start();
            await Task.WhenAny(thread.Ended, seat.Stopping).ConfigureAwait(false);

            // Half as long again as the rank has itself: then it computes, and the process ends without it.
            await Task.WhenAny(thread.Ended, Task.Delay(seat.IsStopped ? options.StopGrace * 1.5 : Timeout.InfiniteTimeSpan, CancellationToken.None)).ConfigureAwait(false);
        }

        if (thread.Ended.IsCompleted)
        {
            thread.Join();
            seat.HasEnded = true;
        }

        // A rank that was released has nothing to say of its own.
        if (seat.Failure is { } failure and not PeerFailedException)
            link.SendFailure(failure);
        else
            link.SendLeft(seat.History);
        if (seat.Failure is { } cause)
            ExceptionDispatchInfo.Throw(cause);
    }
}

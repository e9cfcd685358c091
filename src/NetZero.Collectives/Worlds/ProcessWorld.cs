using System.Globalization;
using System.Net;
using System.Reflection;

namespace NetZero.Collectives;

/// <summary>Runs a program on one rank, this process, of a world whose other ranks are processes of the same machine.</summary>
/// <remarks>
/// The ranks meet at the coordinator, map each other's memory, and then exchange data without it; see <see cref="SharedBoard"/>. The program is the one
/// that <see cref="World"/> runs on threads, and gets the same bits.
/// </remarks>
public static class ProcessWorld
{
    /// <summary>Runs <paramref name="program"/> on this process's rank and returns when it has ended here.</summary>
    /// <param name="worker">Which rank this is, and where the ranks meet.</param>
    /// <param name="program">The program; it runs on a thread of its own, and an <c>await</c> returns to that thread.</param>
    /// <param name="options">Timeouts and resources; the same on every rank.</param>
    /// <param name="cancellation">Ends all ranks, also those that wait in a collective.</param>
    /// <exception cref="RendezvousException">The ranks do not come together, or were started with different things.</exception>
    /// <exception cref="PeerFailedException">Another rank has failed or is gone.</exception>
    /// <exception cref="LauncherLostException">The launcher is gone.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, here or on another rank.</exception>
    public static async Task RunAsync(
        WorkerEnvironment worker, Func<RankContext, Task> program, WorldOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(worker);
        ArgumentNullException.ThrowIfNull(program);
        options ??= new WorldOptions();
        options.Validate();
        cancellation.ThrowIfCancellationRequested();

        if (worker is not { Rank: 0, HasLauncher: false })
        {
            await RunRankAsync(worker, program, options, cancellation).ConfigureAwait(false);
            return;
        }

        var coordinator = await HostAsync(worker, cancellation).ConfigureAwait(false);
        await using (coordinator.ConfigureAwait(false))
        {
            try
            {
                await RunRankAsync(worker, program, options, cancellation).ConfigureAwait(false);
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

    private static async Task RunRankAsync(WorkerEnvironment worker, Func<RankContext, Task> program, WorldOptions options, CancellationToken cancellation)
    {
        SharedSeat? seat = null;
        try
        {
            var link = await CoordinatorLink.ConnectAsync(worker, cancellation).ConfigureAwait(false);
            await using (link.ConfigureAwait(false))
            {
                seat = await JoinAsync(worker, link, options, cancellation).ConfigureAwait(false);
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

    private static async Task RunProgramAsync(
        SharedSeat seat, CoordinatorLink link, Func<RankContext, Task> program, WorldOptions options, CancellationToken cancellation)
    {
        link.Listen(seat.Lose, seat.Fail);
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
            link.SendLeft();
        seat.ThrowFailure();
    }

    private static async Task<SharedSeat> JoinAsync(WorkerEnvironment worker, CoordinatorLink link, WorldOptions options, CancellationToken cancellation)
    {
        var mappings = new SharedMapping?[worker.WorldSize];
        SharedMapping? segment = null;
        try
        {
            var own = mappings[worker.Rank] = SharedMapping.Create($"rank-{worker.Rank}", ArenaBytes(worker.LocalWorldSize));
            if (worker.Rank == 0)
            {
                segment = SharedMapping.Create("segment", SharedSegment.BytesFor(worker.WorldSize));
                new SharedSegment(segment).Format(worker.WorldSize);
            }

            var hellos = await link.JoinAsync(
                new Hello(
                    worker.Rank, worker.WorldSize, worker.Job, Environment.ProcessId, Environment.MachineName, segment?.Path ?? "", own.Path, Agreement(options)),
                cancellation).ConfigureAwait(false);
            segment ??= Open(hellos[0].SegmentPath, hellos[0]);
            var shared = new SharedSegment(segment);
            shared.Check(worker.WorldSize);
            for (var rank = 0; rank < mappings.Length; rank++)
                mappings[rank] ??= Open(hellos[rank].ArenaPath, hellos[rank]);
            await link.ReadyAsync(cancellation).ConfigureAwait(false);
            own.RemoveName();
            segment.RemoveName();
            return new SharedSeat(worker.Rank, shared, [.. mappings.OfType<SharedMapping>()], options.Timeout, options.Tensors.Threads);
        }
        catch
        {
            segment?.Dispose();
            foreach (var mapping in mappings)
                mapping?.Dispose();
            throw;
        }
    }

    private static SharedMapping Open(string path, Hello owner)
    {
        try
        {
            return SharedMapping.Open(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RendezvousException(
                $"the memory of rank {owner.Rank} (process {owner.ProcessId}) cannot be mapped: {e.Message}; ranks with shared memory run as one user, "
                + "in one container", e);
        }
    }

    // Room for all that a rank could ever exchange: only what is written takes memory. Elsewhere than on Linux the file may take disk space at once.
    private static long ArenaBytes(int localWorldSize)
    {
        var machine = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return (OperatingSystem.IsLinux() ? machine : machine / 4 / localWorldSize) / HugePage * HugePage;
    }

    private const long HugePage = 2 << 20;

    private static KeyValuePair<string, string>[] Agreement(WorldOptions options) =>
    [
        new("NetZero", $"{typeof(ProcessWorld).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}"),
        new("segment version", SharedSegment.Version.ToString(CultureInfo.InvariantCulture)),
        .. options.Agreement,
    ];

    private static async Task<Coordinator> HostAsync(WorkerEnvironment worker, CancellationToken cancellation)
    {
        if (worker.RendezvousFile is not { } file)
        {
            var address = await worker.FindAsync(cancellation).ConfigureAwait(false);
            return Coordinator.Start(address!, worker.WorldSize, worker.Job, worker.JoinTimeout);
        }

        var coordinator = Coordinator.Start(new IPEndPoint(IPAddress.Loopback, 0), worker.WorldSize, worker.Job, worker.JoinTimeout);
        RendezvousFile.Write(file, coordinator.EndPoint);
        return coordinator;
    }
}

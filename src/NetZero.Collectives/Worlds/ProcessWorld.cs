using System.Globalization;
using System.Net;

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

        if (worker is { Rank: 0, HasLauncher: false })
            await RankSession.HostAsync(await HostAsync(worker, cancellation).ConfigureAwait(false), RunRankAsync, options, cancellation).ConfigureAwait(false);
        else
            await RunRankAsync().ConfigureAwait(false);

        async Task RunRankAsync()
        {
            var link = await CoordinatorLink.ConnectAsync(worker, cancellation).ConfigureAwait(false);
            await RankSession.RunAsync(link, () => JoinAsync(worker, link, options, cancellation), program, options, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<IProcessSeat> JoinAsync(WorkerEnvironment worker, CoordinatorLink link, WorldOptions options, CancellationToken cancellation)
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
                    worker.Rank, worker.WorldSize, worker.Job, Environment.ProcessId, Environment.MachineName, segment?.Path ?? "", own.Path,
                    [.. RankSession.Agreement(options), new("segment version", SharedSegment.Version.ToString(CultureInfo.InvariantCulture))]),
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

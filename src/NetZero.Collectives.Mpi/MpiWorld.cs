using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace NetZero.Collectives.Mpi;

/// <summary>Runs a program on one rank, this process, of a world that <c>mpirun</c> (or Slurm) has started, over one machine or many.</summary>
/// <remarks>
/// MPI carries the data. The ranks also meet at a coordinator over TCP, in rank 0, as ranks that share memory do: it compares what they were started with
/// and tells all of them within milliseconds when one is gone.
/// </remarks>
public static class MpiWorld
{
    // How long an address of rank 0's machine may take to answer before the next one is tried.
    private static readonly TimeSpan AddressTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Runs <paramref name="program"/> on this process's rank and returns when it has ended here.</summary>
    /// <param name="worker">Which rank this is.</param>
    /// <param name="program">The program; it runs on a thread of its own, and an <c>await</c> returns to that thread.</param>
    /// <param name="options">Timeouts and resources; the same on every rank.</param>
    /// <param name="cancellation">Ends all ranks, also those that wait in a collective.</param>
    /// <exception cref="MpiLibraryException">There is no MPI library that fits whoever started the processes.</exception>
    /// <exception cref="RendezvousException">The ranks do not come together, or were started with different things.</exception>
    /// <exception cref="PeerFailedException">Another rank has failed or is gone.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, here or on another rank.</exception>
    public static Task RunAsync(
        WorkerEnvironment worker, Func<RankContext, Task> program, WorldOptions? options = null, CancellationToken cancellation = default) =>
        RunAsync(worker, program, options ?? new WorldOptions(), int.MaxValue, cancellation);

    /// <summary>Makes sure that there is an MPI library for a rank, before anything else is begun.</summary>
    /// <exception cref="MpiLibraryException">There is none.</exception>
    public static void CheckLibrary(WorkerEnvironment worker)
    {
        ArgumentNullException.ThrowIfNull(worker);
        _ = MpiLibrary.Load(FlavorOf(worker));
    }

    internal static async Task RunAsync(
        WorkerEnvironment worker, Func<RankContext, Task> program, WorldOptions options, int mostElements, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(worker);
        ArgumentNullException.ThrowIfNull(program);
        options.Validate();
        cancellation.ThrowIfCancellationRequested();
        var runtime = MpiRuntime.Begin(MpiLibrary.Load(FlavorOf(worker)), worker);
        if (worker.Rank == 0)
        {
            var isOneMachine = worker.LocalWorldSize == worker.WorldSize;
            var coordinator = Coordinator.Start(new IPEndPoint(isOneMachine ? IPAddress.Loopback : IPAddress.Any, 0), worker.WorldSize, worker.Job, worker.JoinTimeout);
            var port = coordinator.EndPoint.Port;
            runtime.Broadcast(string.Join(' ', isOneMachine ? [IPAddress.Loopback] : Addresses()) + $" {port}");
            var own = worker with { MasterAddress = IPAddress.Loopback.ToString(), MasterPort = port, RendezvousFile = null };
            await RankSession.HostAsync(coordinator, () => RunRankAsync(own), options, cancellation).ConfigureAwait(false);
        }
        else
        {
            await RunRankAsync(await FindAsync(worker, runtime.Broadcast("").Split(' '), cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        }

        async Task RunRankAsync(WorkerEnvironment met)
        {
            var link = await CoordinatorLink.ConnectAsync(met, cancellation).ConfigureAwait(false);
            await RankSession.RunAsync(link, () => JoinAsync(runtime, met, link, options, mostElements, cancellation), program, options, cancellation)
                .ConfigureAwait(false);

            // Only after a good end: a rank that has failed does not come to it.
            runtime.End();
        }
    }

    private static async Task<IProcessSeat> JoinAsync(
        MpiRuntime runtime, WorkerEnvironment worker, CoordinatorLink link, WorldOptions options, int mostElements, CancellationToken cancellation)
    {
        KeyValuePair<string, string>[] agreement =
        [
            .. RankSession.Agreement(options), new("the MPI library", runtime.Library.Version), new("deterministic reductions", $"{options.Deterministic}"),
        ];
        var hello = new Hello(worker.Rank, worker.WorldSize, worker.Job, Environment.ProcessId, Environment.MachineName, "", "", agreement);
        var ranks = await link.JoinAsync(hello, cancellation).ConfigureAwait(false);
        await link.ReadyAsync(cancellation).ConfigureAwait(false);
        return new MpiSeat(runtime, link, ranks, options, mostElements);
    }

    private static MpiFlavor? FlavorOf(WorkerEnvironment worker) => worker.Starter switch
    {
        RankStarter.OpenMpi => MpiFlavor.OpenMpi,
        RankStarter.Hydra => MpiFlavor.Mpich,
        _ => null,
    };

    // The addresses under which other machines may know this one.
    private static IEnumerable<IPAddress> Addresses() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(one => one.OperationalStatus == OperationalStatus.Up || one.NetworkInterfaceType == NetworkInterfaceType.Loopback)
        .OrderBy(one => one.NetworkInterfaceType == NetworkInterfaceType.Loopback)
        .SelectMany(one => one.GetIPProperties().UnicastAddresses)
        .Select(address => address.Address)
        .Where(address => address.AddressFamily == AddressFamily.InterNetwork);

    // The last word is the port. The first address that answers is the one; loopback comes last and answers only on rank 0's own machine.
    private static async Task<WorkerEnvironment> FindAsync(WorkerEnvironment worker, string[] words, CancellationToken cancellation)
    {
        var port = int.Parse(words[^1], System.Globalization.CultureInfo.InvariantCulture);
        foreach (var address in words[..^1])
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(AddressTimeout);
            try
            {
                await socket.ConnectAsync(IPAddress.Parse(address), port, limit.Token).ConfigureAwait(false);
                return worker with { MasterAddress = address, MasterPort = port, RendezvousFile = null };
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                // The next one.
            }
        }

        throw new RendezvousException($"rank {worker.Rank} reaches rank 0 on none of {string.Join(", ", words[..^1])}, port {port}");
    }
}

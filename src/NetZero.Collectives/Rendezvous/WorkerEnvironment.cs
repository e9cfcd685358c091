using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NetZero.Collectives;

/// <summary>Which rank this process is, as whoever started it says in environment variables.</summary>
/// <remarks>
/// In this order: <c>RANK</c> and <c>WORLD_SIZE</c> (the launcher, or by hand, as with torchrun); <c>OMPI_COMM_WORLD_RANK</c> of Open MPI's <c>mpirun</c> and
/// <c>PMI_RANK</c> of MPICH's; Slurm's <c>SLURM_PROCID</c> within a step of several tasks, which use MPI where they are on several nodes; <c>JOB_COMPLETION_INDEX</c> of an indexed Kubernetes job with <c>WORLD_SIZE</c>. A file named by <c>NETZERO_RENDEZVOUS_FILE</c>, in which rank 0
/// leaves its address, takes the place of <c>MASTER_ADDR</c> and <c>MASTER_PORT</c>.
/// </remarks>
public sealed record WorkerEnvironment
{
    /// <summary>The port without <c>MASTER_PORT</c>: torchrun's.</summary>
    public const int DefaultPort = 29500;

    /// <summary>This process's rank.</summary>
    public required int Rank { get; init; }

    /// <summary>Ranks of the world.</summary>
    public required int WorldSize { get; init; }

    /// <summary>This process's index among those of its machine.</summary>
    public required int LocalRank { get; init; }

    /// <summary>Ranks on this machine.</summary>
    public required int LocalWorldSize { get; init; }

    /// <summary>The machine of rank 0.</summary>
    public string MasterAddress { get; init; } = "127.0.0.1";

    /// <summary>The port on which the ranks come together.</summary>
    public int MasterPort { get; init; } = DefaultPort;

    /// <summary>A file in which rank 0 leaves its address; null where it is known.</summary>
    public string? RendezvousFile { get; init; }

    /// <summary>How often the job was started again.</summary>
    public int RestartCount { get; init; }

    /// <summary>The launcher's name for the job, so that two jobs cannot be taken for one.</summary>
    public string Job { get; init; } = "";

    /// <summary>Whether a launcher brings the ranks together, and ends them with itself; otherwise rank 0 does.</summary>
    public bool HasLauncher { get; init; }

    /// <summary>What started the ranks.</summary>
    public RankStarter Starter { get; init; } = RankStarter.Variables;

    /// <summary>Whether the ranks exchange data through MPI; otherwise they share memory.</summary>
    public bool UsesMpi => Starter is RankStarter.OpenMpi or RankStarter.Hydra or RankStarter.SlurmNodes;

    /// <summary>How long all ranks together have to come.</summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Reads the process's environment.</summary>
    /// <returns>Null when nobody has made this process a rank.</returns>
    /// <exception cref="RendezvousException">The variables contradict each other or are no numbers.</exception>
    public static WorkerEnvironment? Detect() => Detect(Environment.GetEnvironmentVariable);

    /// <summary>Reads variables.</summary>
    /// <param name="variable">The value of a variable, or null.</param>
    /// <inheritdoc cref="Detect()" path="/returns"/>
    /// <exception cref="RendezvousException">The variables contradict each other or are no numbers.</exception>
    public static WorkerEnvironment? Detect(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        var variables = new Variables(variable);
        var found = Find(variables);
        if (found is not null && (found.Rank >= found.WorldSize || found.LocalRank >= found.LocalWorldSize))
        {
            throw new RendezvousException(
                $"the environment makes this process rank {found.Rank} of {found.WorldSize} and {found.LocalRank} of {found.LocalWorldSize} on its machine; "
                + "a rank is less than the number of ranks");
        }

        return found;
    }

    private static WorkerEnvironment? Find(Variables variables)
    {
        if (variables.Has("RANK") || variables.Has("LOCAL_RANK"))
            return Ranked(variables, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE");
        if (variables.Has("OMPI_COMM_WORLD_RANK"))
        {
            return Ranked(variables, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE") with
            {
                Starter = RankStarter.OpenMpi,
            };
        }

        // Slurm speaks the same protocol to its tasks when it is asked to; it is looked at by itself.
        if (variables.Has("PMI_RANK") && !variables.Has("SLURM_PROCID"))
            return Ranked(variables, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS") with { Starter = RankStarter.Hydra };
        if (variables.Has("SLURM_PROCID") && variables.Number("SLURM_STEP_NUM_TASKS", 1) > 1)
        {
            var task = Ranked(variables, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE");
            return task with
            {
                MasterPort = variables.Number("MASTER_PORT", SlurmPort(variables)),
                Job = $"{variables.Text("SLURM_JOB_ID")}.{variables.Text("SLURM_STEP_ID")}",
                Starter = variables.Number("SLURM_STEP_NUM_NODES", 1) > 1 ? RankStarter.SlurmNodes : RankStarter.Variables,
            };
        }

        return variables.Has("JOB_COMPLETION_INDEX") && variables.Has("WORLD_SIZE")
            ? Ranked(variables, "JOB_COMPLETION_INDEX", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
            : null;
    }

    /// <summary>Where the ranks meet; null while rank 0 has not said so.</summary>
    /// <exception cref="RendezvousException">There is no such host.</exception>
    internal async Task<IPEndPoint?> FindAsync(CancellationToken cancellation)
    {
        if (RendezvousFile is { } file)
            return Collectives.RendezvousFile.TryRead(file);
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(MasterAddress, cancellation).ConfigureAwait(false);
            return new IPEndPoint(Array.Find(addresses, a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0], MasterPort);
        }
        catch (SocketException e)
        {
            throw new RendezvousException($"MASTER_ADDR '{MasterAddress}' is not known: {e.Message}", e);
        }
    }

    private static WorkerEnvironment Ranked(Variables variables, string rank, string size, string localRank, string localSize)
    {
        var worldSize = variables.Required(size, 1);
        return new WorkerEnvironment
        {
            Rank = variables.Required(rank, 0),
            WorldSize = worldSize,
            LocalRank = variables.Number(localRank, variables.Required(rank, 0)),
            LocalWorldSize = variables.Number(localSize, worldSize),
            MasterAddress = variables.Text("MASTER_ADDR") is { Length: > 0 } address ? address : "127.0.0.1",
            MasterPort = variables.Number("MASTER_PORT", DefaultPort),
            RendezvousFile = variables.Text("NETZERO_RENDEZVOUS_FILE") is { Length: > 0 } file ? file : null,
            RestartCount = variables.Number("NETZERO_RESTART_COUNT", 0),
            Job = variables.Text("NETZERO_JOB"),
            HasLauncher = variables.Has("NETZERO_LAUNCHER"),
        };
    }

    // Steps of different jobs on one machine must not meet; ports from 20000 are neither reserved nor given out by default.
    private static int SlurmPort(Variables variables) => 20000 + (variables.Number("SLURM_JOB_ID", 0) % 10000);

    private readonly struct Variables(Func<string, string?> variable)
    {
        public bool Has(string name) => !string.IsNullOrEmpty(variable(name));

        public string Text(string name) => variable(name) ?? "";

        public int Required(string name, int least) =>
            Has(name) ? Parse(name, least) : throw new RendezvousException($"{name} is not set, though other variables make this process a rank");

        public int Number(string name, int otherwise) => Has(name) ? Parse(name, 0) : otherwise;

        private int Parse(string name, int least) =>
            int.TryParse(Leading(variable(name)!), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least
                ? number
                : throw new RendezvousException($"{name} is '{variable(name)}'; expected a whole number, at least {least}");

        // Slurm writes tasks of several nodes as 2(x3).
        private static string Leading(string text) => text.IndexOf('(', StringComparison.Ordinal) is var at and > 0 ? text[..at] : text;
    }
}

using System.Reflection;
using NetZero.Collectives.Mpi;
using NetZero.Testing;
using Xunit.Sdk;

namespace NetZero.Collectives.Tests;

/// <summary>
/// The <see cref="TransportSuite"/> as one rank of a world of MPI: every rank runs every case in the same order, on a group of as many ranks as the case wants.
/// </summary>
public static class MpiSuite
{
    /// <summary>How <c>mpirun</c> starts it; behind it stands the most elements of one message.</summary>
    public const string Whole = "mpi-suite";

    /// <summary>The same for the reductions alone, which MPI then does as it likes.</summary>
    public const string NativeReductions = "mpi-native-reductions";

    private static readonly string[] Reductions =
        [nameof(TransportSuite.AllReduce_GivesEveryRankTheCanonicalTree), nameof(TransportSuite.ReduceScatter_GivesEveryRankItsSliceOfTheCanonicalTree)];

    /// <summary>Begins the line of a case that failed.</summary>
    public const string Failed = "FAILED ";

    public static async Task<int> RunAsync(int mostElements, bool native)
    {
        var worker = WorkerEnvironment.Detect() ?? throw new InvalidOperationException("This is started by mpirun.");
        await MpiWorld.RunAsync(
            worker, rank => RunCases(rank, Cases(native)), Ranks.Options with { Deterministic = !native }, mostElements, CancellationToken.None);
        return 0;
    }

    /// <summary>All cases, in the order in which every rank runs them.</summary>
    public static IEnumerable<(MethodInfo Method, object[] Arguments)> Cases(bool native) =>
        from method in typeof(TransportSuite).GetMethods()
        where native ? Reductions.Contains(method.Name) : method.GetCustomAttribute<FactAttribute>() is not null
        orderby method.Name
        from arguments in method.GetCustomAttributes<DataAttribute>().SelectMany(data => data.GetData(method)).DefaultIfEmpty([])
        select (method, arguments);

    /// <summary>The line that says how many cases have run, and how many are for more ranks than the job has.</summary>
    public static string Counts(int ran, int left) => $"{ran} cases, {left} for more ranks";

    private static Task RunCases(RankContext rank, IEnumerable<(MethodInfo Method, object[] Arguments)> cases)
    {
        // MPI libraries like to handle signals; the runtime makes this exception of one.
        Assert.Throws<NullReferenceException>(() => ((string)null!).Length);
        var suite = new Suite(rank.Group);
        var count = 0;
        foreach (var (method, arguments) in cases)
        {
            Run(suite, rank, method, arguments);
            count++;
        }

        if (rank.Rank == 0)
            Console.WriteLine(Counts(count - suite.LeftOut, suite.LeftOut));
        Ranks.CheckEmpty(rank.Tensors.Ledger, rank.Rank);
        return Task.CompletedTask;
    }

    private static void Run(Suite suite, RankContext rank, MethodInfo method, object[] arguments)
    {
        var failed = 0.0;
        try
        {
            method.Invoke(suite, arguments);
        }
        catch (TargetInvocationException e) when (e.InnerException is not CollectiveException)
        {
            failed = 1;
            Console.WriteLine($"{Failed}{method.Name}({string.Join(", ", arguments)}) on rank {rank.Rank}: {e.InnerException}".ReplaceLineEndings(" "));
        }

        // A rank that failed an assertion has made fewer calls than the others: nothing that follows would mean anything.
        double[] any = [failed];
        rank.Group.AllReduce("failed", any, ReduceOp.Max);
        if (any[0] > 0)
            throw new InvalidOperationException($"{method.Name} has failed.");
    }

    private sealed class Suite(ProcessGroup world) : TransportSuite
    {
        private readonly Dictionary<int, ProcessGroup> _groups = [];

        /// <summary>Cases for more ranks than there are.</summary>
        public int LeftOut { get; private set; }

        protected override bool SharesVariables => false;

        protected override void Run(int ranks, Action<ProcessGroup> program)
        {
            if (ranks > world.Size)
                LeftOut++;
            if (ranks > world.Size || world.Rank >= ranks)
                return;
            if (!_groups.TryGetValue(ranks, out var group))
                _groups[ranks] = group = world.CreateSubgroup($"first {ranks}", [.. Enumerable.Range(0, ranks)]);
            program(group);
        }
    }
}

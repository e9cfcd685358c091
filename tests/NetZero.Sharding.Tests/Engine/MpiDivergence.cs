using System.Diagnostics;
using System.Globalization;
using NetZero.Collectives;
using NetZero.Collectives.Mpi;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Ranks that part as processes under <c>mpirun</c>.</summary>
/// <remarks>Each writes a file, since a job's output comes in any order and ends with its first failure.</remarks>
internal static class MpiDivergence
{
    /// <summary>How <c>mpirun</c> starts it; the divergence, the stage and a folder follow.</summary>
    public const string Verb = "mpi-divergence";

    // A job takes two or three seconds; this is when something hangs.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    // How long a rank that has failed leaves the others to tell what they know: mpirun ends the job with the first process.
    private static readonly TimeSpan OthersHave = TimeSpan.FromSeconds(10);

    /// <summary>Starts the ranks and reads what they have written.</summary>
    public static async Task<Found> RunAsync(MpiFlavor flavor, Divergence how, int stage)
    {
        var folder = Directory.CreateTempSubdirectory("netzero-divergence-");
        try
        {
            var world = DivergingRanks.World(how);
            string[] arguments = [Verb, $"{how}", stage.ToString(CultureInfo.InvariantCulture), folder.FullName];
            var (code, output, errors) = await MpiRun.RunAsync(flavor, world, "NetZero.Sharding.Tests.dll", arguments, Limit);
            Assert.NotEqual(0, code);
            var files = Enumerable.Range(0, world).Select(rank => FileOf(folder.FullName, rank)).ToArray();
            Assert.True(Array.TrueForAll(files, File.Exists), $"{output}\n{errors}");
            var ranks = Array.ConvertAll(files, Read);
            var time = Stopwatch.GetElapsedTime(ranks.Max(rank => rank.Diverged), ranks.Max(rank => rank.Ended));
            return new Found(Array.ConvertAll(ranks, rank => rank.Told), time.TotalSeconds);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>One rank, as <c>mpirun</c> starts it.</summary>
    public static async Task<int> RunRankAsync(Divergence how, int stage, string folder)
    {
        var worker = WorkerEnvironment.Detect() ?? throw new InvalidOperationException("This is started by mpirun.");
        try
        {
            await MpiWorld.RunAsync(worker, rank =>
            {
                long diverged = 0;
                try
                {
                    DivergingRanks.Run(how, stage, rank, () => diverged = Stopwatch.GetTimestamp());
                    Write(FileOf(folder, rank.Rank), diverged, 0, null);
                }
                catch (Exception e)
                {
                    Write(FileOf(folder, rank.Rank), diverged, Stopwatch.GetTimestamp(), Told.Of(e));
                    throw;
                }

                return Task.CompletedTask;
            }, DivergingRanks.Options(how));
            return 0;
        }
        catch (Exception e) when (e is CollectiveException or InvalidOperationException)
        {
            var start = Stopwatch.GetTimestamp();
            while (Directory.GetFiles(folder, "*.txt").Length < worker.WorldSize && Stopwatch.GetElapsedTime(start) < OthersHave)
                await Task.Delay(10);
            return 1;
        }
    }

    private static string FileOf(string folder, int rank) => Path.Combine(folder, $"{rank}.txt");

    // The clock is the machine's, the same in all processes. A file is there with all that is in it, or not at all.
    private static void Write(string file, long diverged, long ended, Told? told)
    {
        File.WriteAllText($"{file}.part", string.Create(CultureInfo.InvariantCulture, $"{diverged}\n{ended}\n{told?.Type}\n{told?.Message}"));
        File.Move($"{file}.part", file);
    }

    private static (long Diverged, long Ended, Told? Told) Read(string file)
    {
        var parts = File.ReadAllText(file).Split('\n', 4);
        var (diverged, ended) = (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
        return (diverged, ended, parts[2].Length == 0 ? null : new Told(parts[2], parts[3]));
    }
}

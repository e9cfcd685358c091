using System.Collections.Concurrent;
using NetZero.Launch;

namespace NetZero.Collectives.Tests;

/// <summary>The launcher with ranks that are this assembly; see <see cref="LaunchedRank"/>.</summary>
public sealed class LauncherTests : IDisposable
{
    private const int Ranks = 3;

    private readonly string _folder = Directory.CreateTempSubdirectory("netzero-tests-").FullName;
    private readonly ConcurrentBag<WorkerLine> _lines = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task RankThatThrows_IsTheCauseThatIsShown_AndTheOthersNameIt()
    {
        var failure = await RunAsync(LaunchedRank.Throws);
        Assert.NotNull(failure);
        Assert.Equal((1, 7), (failure.Rank, failure.ExitCode));
        Assert.Contains("System.FormatException: broken batch", failure.Reason, StringComparison.Ordinal);
        foreach (var other in (int[])[0, 2])
        {
            var error = Assert.Single(_lines, line => line.Rank == other && line.IsError).Text;
            Assert.StartsWith("Rank 1 failed: ", error, StringComparison.Ordinal);
            Assert.EndsWith("broken batch", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task RankThatEndsEarly_IsNoFailure()
    {
        Assert.Null(await RunAsync(LaunchedRank.EndsEarly));
        Assert.Equal([0, 1, 2], _lines.Select(line => line.Rank).Order());
    }

    [Fact]
    public async Task TwoJobsAtOnce_DoNotMeet()
    {
        var failures = await Task.WhenAll(RunAsync(LaunchedRank.Adds, "first"), RunAsync(LaunchedRank.Adds, "second"));
        Assert.All(failures, Assert.Null);
        Assert.Equal(2 * Ranks, _lines.Count);
        Assert.All(_lines, line => Assert.Equal($"{LaunchedRank.Adds} {1 + 2 + 3}", line.Text));
    }

    private Task<WorkerFailure?> RunAsync(string what, string job = "job") => Launcher.RunAsync(
        new LaunchOptions
        {
            Processes = Ranks,
            Program = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            Arguments = [Path.Combine(AppContext.BaseDirectory, "NetZero.Collectives.Tests.dll"), LaunchedRank.Verb, what],
            LogFolder = Path.Combine(_folder, job),
            ReportFolder = _folder,
        },
        _lines.Add);
}

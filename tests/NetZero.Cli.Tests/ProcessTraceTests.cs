using System.Diagnostics;
using System.Text.Json;
using NetZero.Collectives.Mpi;
using NetZero.Testing;

namespace NetZero.Cli.Tests;

/// <summary>The trace of ranks that are processes: one file, with the events of all ranks.</summary>
public sealed class ProcessTraceTests : IDisposable
{
    private static readonly string Tool = Path.Combine(AppContext.BaseDirectory, "netzero.dll");

    private readonly TemporaryFolder _folder = new();

    public ProcessTraceTests() => File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Processes_HaveTheEventsOfThreads_OnOneClock()
    {
        await RunAsync(Plain([.. Options("threads"), "--ranks", "3"]));
        await RunAsync(Plain([.. Options("processes"), "--processes", "3"]));
        CheckSameEvents("threads", "processes", ranks: 3);
    }

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    public async Task RanksOfMpi_HaveTheEventsOfThreads_OnOneClock(MpiFlavor flavor)
    {
        await RunAsync(Plain([.. Options("threads"), "--ranks", "2"]));
        await RunAsync(MpiRun.Start(flavor, 2, [Tool, .. Options("mpi")]));
        CheckSameEvents("threads", "mpi", ranks: 2);
    }

    private string[] Options(string output) =>
    [
        "train", _folder.Configuration, "--trace", "--output", _folder.At(output), "--set", "zero_optimization.stage=3", "--set", "train_batch_size=12",
        "--set", "threads_per_rank=1",
    ];

    // The same events with the same bytes alive after them; and no rank has a unit's parameters before all have begun to gather them.
    private void CheckSameEvents(string one, string other, int ranks)
    {
        var (expected, found) = (Events(one), Events(other));
        for (var rank = 0; rank < ranks; rank++)
        {
            var events = found.Where(e => e.Rank == rank).ToArray();
            Assert.True(events.Length > 20, $"{events.Length} events of rank {rank}");
            Assert.Equal(expected.Where(e => e.Rank == rank).Select(e => e.Text), events.Select(e => e.Text));
            Assert.All(events, e => Assert.True(e.Start >= 0 && e.End >= e.Start, e.ToString()));
        }

        Assert.Equal(expected.Count, found.Count);
        foreach (var unit in (string[])["root", "h.0", "h.1"])
        {
            var begun = Enumerable.Range(0, ranks).Max(rank => found.First(e => e.Rank == rank && e.Name == "AllGather" && e.Unit == unit).Start);
            var there = Enumerable.Range(0, ranks).Min(rank => found.First(e => e.Rank == rank && e.Name == "Wait" && e.Unit == unit).End);
            Assert.True(begun <= there, $"all had begun to gather {unit} after {begun} us, one had it after {there}");
        }
    }

    private List<Event> Events(string run)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(_folder.At($"{run}/trace.json")));
        var events = new List<Event>();
        foreach (var e in json.RootElement.GetProperty("traceEvents").EnumerateArray())
        {
            var (rank, start) = (e.GetProperty("tid").GetInt32(), e.GetProperty("ts").GetDouble());
            var (name, arguments) = (e.GetProperty("name").GetString()!, e.GetProperty("args"));
            var unit = arguments.TryGetProperty("unit", out var known) ? known.GetString()! : "";
            var length = e.TryGetProperty("dur", out var duration) ? duration.GetDouble() : 0;
            events.Add(new Event(rank, name, unit, $"{name} {arguments}", start, start + length));
        }

        return events;
    }

    private static ProcessStartInfo Plain(string[] arguments) =>
        new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Tool, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };

    private async Task RunAsync(ProcessStartInfo start)
    {
        start.WorkingDirectory = _folder.FullPath;
        using var process = Child.Start(start);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{await output}\n{await errors}");
    }

    private sealed record Event(int Rank, string Name, string Unit, string Text, double Start, double End);
}

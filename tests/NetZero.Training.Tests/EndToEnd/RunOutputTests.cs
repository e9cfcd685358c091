using System.Text.Json;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>What a run writes agrees with itself and with the schedule.</summary>
public sealed class RunOutputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    public RunOutputTests() => _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7} ")));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Metrics_AreConsistentWithinALine()
    {
        var run = new Run(_folder, "run");
        await run.TrainAsync(_text);

        Assert.All(run.Metrics, line =>
        {
            double Number(string name) => line.GetProperty(name).GetDouble();
            Assert.Equal(12 * 13 * (Number("step") + 1), Number("tokens"));
            Assert.Equal(12 * 13 / Number("step_seconds"), Number("tokens_per_second"));
            Assert.Equal(JsonValueKind.Number, line.GetProperty("grad_norm").ValueKind);
        });
    }

    [Fact]
    public async Task Trace_IsTheSchedule_InOrderOnEveryRank()
    {
        var run = new Run(_folder, "run");
        await run.TrainAsync(_text, "zero_optimization.stage=2", "steps=2");

        var events = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(run.Folder, "trace.json"))).RootElement.GetProperty("traceEvents").EnumerateArray().ToArray();
        string[] collectives = ["ReduceScatter h.1", "ReduceScatter h.0", "ReduceScatter root", "AllGather root", "AllGather h.0", "AllGather h.1"];
        for (var rank = 0; rank < 2; rank++)
        {
            var both = events.Where(e => e.GetProperty("tid").GetInt32() == rank).ToArray();
            var mine = both.Where((_, i) => i % 2 == 0).ToArray();
            Assert.All(both.Where((_, i) => i % 2 == 1), e => Assert.Equal("C", e.GetProperty("ph").GetString()));
            Assert.Equal(
                [.. collectives, .. collectives],
                mine.Select(e => $"{e.GetProperty("name").GetString()} {e.GetProperty("args").GetProperty("unit").GetString()}")
                    .Where(name => name.StartsWith("AllGather", StringComparison.Ordinal) || name.StartsWith("ReduceScatter", StringComparison.Ordinal)));
            Assert.All(mine, e =>
            {
                Assert.Equal("X", e.GetProperty("ph").GetString());
                Assert.True(e.GetProperty("ts").GetDouble() >= 0 && e.GetProperty("dur").GetDouble() >= 0);
            });
        }
    }
}

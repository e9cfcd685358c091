using System.Text.Json;
using NetZero.Tensors;

namespace NetZero.Training.Tests;

public sealed class RunFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Metrics_AreOneObjectALine_WithTheContractsKeysInOrder()
    {
        var path = _folder.At("metrics.jsonl");
        using (var writer = new MetricsWriter(path))
        {
            writer.Write(new StepMetrics(0, 5.5, 1.25, 0.001, 512, 2000, 0.256));
            writer.Write(new StepMetrics(1, 5.25, 1, 0.001, 1024, 2000, 0.256, ValidationLoss: 4.5));
        }

        Assert.Equal(
            """
            {"step":0,"loss":5.5,"grad_norm":1.25,"learning_rate":0.001,"tokens":512,"tokens_per_second":2000,"step_seconds":0.256}
            {"step":1,"loss":5.25,"grad_norm":1,"learning_rate":0.001,"tokens":1024,"tokens_per_second":2000,"step_seconds":0.256,"validation_loss":4.5,"validation_perplexity":90.01713130052181}

            """.ReplaceLineEndings("\n"),
            File.ReadAllText(path));
    }

    [Theory]
    [InlineData(5.56610704620593)]
    [InlineData(1.0 / 3)]
    [InlineData(double.Epsilon)]
    [InlineData(double.MaxValue)]
    [InlineData(0.1f)]
    public void Metrics_RoundTripExactly(double value)
    {
        var path = _folder.At("metrics.jsonl");
        using (var writer = new MetricsWriter(path))
            writer.Write(new StepMetrics(0, value, value, value, 1, value, value));

        using var json = JsonDocument.Parse(File.ReadAllText(path));
        foreach (var name in (string[])["loss", "grad_norm", "learning_rate", "tokens_per_second", "step_seconds"])
            Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(json.RootElement.GetProperty(name).GetDouble()));
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "Infinity")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void LossThatDiverged_IsStillJson(double value, string text)
    {
        var path = _folder.At("metrics.jsonl");
        using (var writer = new MetricsWriter(path))
            writer.Write(new StepMetrics(0, value, 1, 1, 1, 1, 1));

        using var json = JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal(text, json.RootElement.GetProperty("loss").GetString());
    }

    [Fact]
    public void EachLine_IsInTheFileAtOnce()
    {
        var path = _folder.At("metrics.jsonl");
        using var writer = new MetricsWriter(path);
        writer.Write(new StepMetrics(0, 1, 1, 1, 1, 1, 1));

        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        Assert.EndsWith("}\n", reader.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_HasEveryKindOfEveryRank()
    {
        var path = _folder.At("memory.json");
        long[] kinds = [1, 2, 3, 4, 5, 6, 7, 8];
        var peak = new KindBytes(kinds, 20);
        var steady = new KindBytes([1, 0, 3, 4, 0, 0, 0, 0], 8);
        MemoryReport.Write(path, [new RankMemory(1, peak, steady, 9), new RankMemory(0, peak, steady, 8)]);

        using var json = JsonDocument.Parse(File.ReadAllText(path));
        var ranks = json.RootElement.GetProperty("ranks");
        Assert.Equal([0, 1], ranks.EnumerateArray().Select(rank => rank.GetProperty("rank").GetInt32()));
        Assert.Equal(["rank", "peak_bytes", "steady_bytes", "model_state_bytes_expected"], ranks[0].EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            [
                ("parameter", 1), ("gathered", 2), ("gradient", 3), ("optimizer", 4), ("activation", 5), ("communication", 6), ("workspace", 7),
                ("snapshot", 8),
                ("total", 20),
            ],
            ranks[0].GetProperty("peak_bytes").EnumerateObject().Select(p => (p.Name, p.Value.GetInt32())));
        Assert.Equal(8, ranks[0].GetProperty("steady_bytes").GetProperty("total").GetInt64());
        Assert.Equal([8, 9], ranks.EnumerateArray().Select(rank => rank.GetProperty("model_state_bytes_expected").GetInt64()));
    }

    [Fact]
    public void KindNames_CoverEveryKindInOrder() =>
        Assert.Equal(
            Enum.GetValues<MemoryKind>().Select(kind => (kind, kind.ToString().ToLowerInvariant())),
            KindBytes.Names);

    [Fact]
    public void ModelStateBytes_AreParametersGradientsAndOptimizerState()
    {
        var rank = new RankMemory(0, new KindBytes(new long[8], 0), new KindBytes([1, 20, 300, 4000, 50000, 600000, 7000000, 0], 0), 0);

        Assert.Equal(4301, rank.ModelStateBytes);
    }

    private static readonly KindBytes Bytes = new([1, 2, 3, 4, 5, 6, 7, 8], 36);

    [Fact]
    public void Trace_IsWhatChromeReads()
    {
        var path = _folder.At("trace.json");
        using (var trace = new TraceWriter(path))
        {
            trace.Write(new TraceEvent(0, "AllGather", "h.0", 4096, 1.5, 2.25, Bytes));
            trace.Write(new TraceEvent(1, "Forward", "h.0", 0, 4, 8, Bytes), new TraceEvent(1, "Release", "h.0", 4096, 12, 0, Bytes));
        }

        using var json = JsonDocument.Parse(File.ReadAllText(path));
        var all = json.RootElement.GetProperty("traceEvents").EnumerateArray().ToArray();
        var events = all.Where((_, i) => i % 2 == 0).ToArray();
        var counters = all.Where((_, i) => i % 2 == 1).ToArray();
        Assert.Equal(["AllGather", "Forward", "Release"], events.Select(e => e.GetProperty("name").GetString()));
        Assert.Equal([0, 1, 1], events.Select(e => e.GetProperty("tid").GetInt32()));
        Assert.All(events, e => Assert.Equal("X", e.GetProperty("ph").GetString()));
        Assert.Equal((1.5, 2.25), (events[0].GetProperty("ts").GetDouble(), events[0].GetProperty("dur").GetDouble()));
        Assert.Equal("h.0", events[0].GetProperty("args").GetProperty("unit").GetString());
        Assert.Equal(4096, events[0].GetProperty("args").GetProperty("bytes").GetInt64());
        Assert.Equal(["memory of rank 0", "memory of rank 1", "memory of rank 1"], counters.Select(e => e.GetProperty("name").GetString()));
        Assert.All(counters, e => Assert.Equal("C", e.GetProperty("ph").GetString()));
        Assert.Equal(3.75, counters[0].GetProperty("ts").GetDouble());
        Assert.Equal([1L, 2, 3, 4, 5, 6, 7, 8], counters[2].GetProperty("args").EnumerateObject().Select(p => p.Value.GetInt64()));
    }

    [Fact]
    public void Trace_TakesEventsFromAllRanksAtOnce()
    {
        var path = _folder.At("trace.json");
        using (var trace = new TraceWriter(path))
        {
            Parallel.For(0, 8, rank =>
            {
                for (var i = 0; i < 500; i++)
                    trace.Write(new TraceEvent(rank, "Forward", "root", 0, i, 1, Bytes));
            });
        }

        using var json = JsonDocument.Parse(File.ReadAllText(path));
        var byRank = json.RootElement.GetProperty("traceEvents").EnumerateArray().CountBy(e => e.GetProperty("tid").GetInt32());
        Assert.Equal(Enumerable.Range(0, 8).Select(rank => KeyValuePair.Create(rank, 2 * 500)), byRank.OrderBy(pair => pair.Key));
    }
}

using System.Text.Json;

namespace NetZero.Cli.Tests;

public sealed class TraceCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringTerminal _terminal = new();

    public void Dispose() => _folder.Dispose();

    private Task<int> CompareAsync(params string[] arguments) => new Tool(_terminal, Reports.Engines).RunAsync(["trace", "compare", .. arguments]);

    private static string Trace(params (string Name, string Unit, double Start, double Duration)[] spans) =>
        "{\"traceEvents\":[" + string.Join(',', spans.Select(span => FormattableString.Invariant(
            $"{{\"name\":\"{span.Name}\",\"ph\":\"X\",\"pid\":0,\"tid\":0,\"ts\":{span.Start},\"dur\":{span.Duration},\"args\":{{\"unit\":\"{span.Unit}\"}}}}"))) + "]}";

    // Two steps; the first one is left out. The wait of 1 ms lies inside the forward of 5.
    [Fact]
    public async Task Spans_CountWithoutWhatLiesInside_AndTheFirstStepIsLeftOut()
    {
        File.WriteAllText(_folder.At("plan.json"), Trace(("Forward", "h.0", 0, 3000), ("Update", "h.0", 3000, 1000)));
        File.WriteAllText(_folder.At("run.json"), Trace(
            ("Wait", "h.0", 0, 90000), ("Forward", "h.0", 0, 100000), ("Update", "h.0", 100000, 1000),
            ("Wait", "h.0", 200000, 1000), ("Forward", "h.0", 200000, 5000), ("Update", "h.0", 205000, 1000)));

        Assert.Equal((0, ""), (await CompareAsync(_folder.At("plan.json"), _folder.At("run.json"), "--json"), _terminal.Errors));

        using var json = JsonDocument.Parse(_terminal.Written);
        Assert.Equal((4.0, 6.0, 1), (json.RootElement.GetProperty("planned_ms").GetDouble(), json.RootElement.GetProperty("measured_ms").GetDouble(), json.RootElement.GetProperty("steps").GetInt32()));
        Assert.Equal(
            [("Forward", 3.0, 4.0), ("Update", 1.0, 1.0), ("Wait", 0.0, 1.0)],
            json.RootElement.GetProperty("events").EnumerateArray()
                .Select(e => (e.GetProperty("name").GetString()!, e.GetProperty("planned_ms").GetDouble(), e.GetProperty("measured_ms").GetDouble())).OrderBy(e => e.Item1));
    }

    [Fact]
    public async Task PlanAndRunOfOneConfiguration_LineUp()
    {
        File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));
        string[] run = [_folder.Configuration, "--ranks", "2", "--set", "zero_optimization.stage=3", "--set", $"data.train={_folder.At("text.txt")}"];
        var terminal = new StringTerminal();
        Assert.Equal((0, ""), (await new Tool(terminal, Engines.Real).RunAsync(["train", .. run, "--output", _folder.At("out"), "--trace"]), terminal.Errors));
        Assert.Equal((0, ""), (await new Tool(terminal, Reports.Engines).RunAsync(["plan", .. run, "--trace", _folder.At("plan.json")]), terminal.Errors));

        Assert.Equal((0, ""), (await CompareAsync(_folder.At("plan.json"), _folder.At("out/trace.json")), _terminal.Errors));
        Assert.All(_terminal.Written.Split('\n'), line => Assert.InRange(line.TrimEnd('\r').Length, 0, 100));

        // Both have time for the passes of each unit.
        Assert.Equal(0, await CompareAsync(_folder.At("plan.json"), _folder.At("out/trace.json"), "--json"));
        using var json = JsonDocument.Parse(_terminal.Written.Split('\n')[^2]);
        foreach (var e in json.RootElement.GetProperty("events").EnumerateArray().Where(e => e.GetProperty("name").GetString() is "Forward" or "Backward" or "Update"))
        {
            Assert.True(e.GetProperty("planned_ms").GetDouble() > 0, e.ToString());
            Assert.True(e.GetProperty("measured_ms").GetDouble() > 0, e.ToString());
        }
    }

    [Fact]
    public async Task NoTrace_IsOneLineAndCode2()
    {
        File.WriteAllText(_folder.At("none.json"), "{}");
        File.WriteAllText(_folder.At("plan.json"), Trace(("Forward", "h.0", 0, 3000)));
        Assert.Equal(2, await CompareAsync(_folder.At("none.json"), _folder.At("none.json")));
        Assert.Equal(2, await CompareAsync(_folder.At("missing.json"), _folder.At("none.json")));
        Assert.Equal(2, await CompareAsync(_folder.At("plan.json"), _folder.At("plan.json")));
        Assert.Collection(
            _terminal.Errors.Trim().Split('\n'),
            line => Assert.Contains("is no trace of netzero", line, StringComparison.Ordinal),
            line => Assert.Contains("does not exist; netzero train --trace", line, StringComparison.Ordinal),
            line => Assert.Contains("has no whole step of rank 0", line, StringComparison.Ordinal));
    }
}

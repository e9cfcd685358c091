using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace NetZero.Cli.Tests;

public sealed partial class PlanCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringTerminal _terminal = new();

    public void Dispose() => _folder.Dispose();

    private Task<int> RunAsync(params string[] arguments) => new Tool(_terminal, Reports.Engines).RunAsync(["plan", _folder.Configuration, "--set", "zero_optimization.stage=3", .. arguments]);

    [Fact]
    public async Task Plan_ShowsUnitsEventsAndMemory_WithoutTouchingTheText()
    {
        Assert.Equal(0, await RunAsync("--ranks", "2", "--set", "data.train=missing.txt"));

        Assert.StartsWith("ZeRO stage 3 on 2 ranks, 1 micro-batch a step; bytes are those of rank 0\n", _terminal.Written, StringComparison.Ordinal);
        foreach (var line in (string[])["root ", "h.0 ", "AllGather ", "ReduceScatter ", "bytes sent ", "parameter ", "gathered ", "together "])
            Assert.Contains($"\n{line}", _terminal.Written, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    [Fact]
    public async Task Schedule_IsATableOfAllEvents_OfAtMost100Columns()
    {
        Assert.Equal(0, await RunAsync("--schedule", "--ranks", "2", "--set", "train_batch_size=4", "--set", "gradient_accumulation_steps=2", "--set", "model.n_layer=12"));

        var lines = _terminal.Written.Split('\n');
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 100));
        Assert.Equal(
            ["-- forward of micro-batch 0", "-- backward of micro-batch 0", "-- forward of micro-batch 1", "-- backward of micro-batch 1", "-- update"],
            lines.Where(line => line.StartsWith("--", StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.EndsWith(" *", StringComparison.Ordinal));
        var events = lines.Where(line => char.IsDigit(line.TrimStart().FirstOrDefault())).ToArray();
        Assert.Equal(Enumerable.Range(0, events.Length), events.Select(line => int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0])));
        Assert.Equal(2 * 13, events.Count(line => line.Contains(" ReduceScatter ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Json_HasExactBytes_AndEventsWhenAskedFor()
    {
        Assert.Equal(0, await RunAsync("--schedule", "--json", "--ranks", "2"));

        using var json = JsonDocument.Parse(_terminal.Written);
        var root = json.RootElement;
        Assert.Equal(
            ["rank", "world_size", "stage", "micro_batches", "bytes_sent", "units", "rest_bytes", "peak_bytes", "at_peak_bytes", "events"],
            root.EnumerateObject().Select(p => p.Name));
        var unit = root.GetProperty("units")[0];
        Assert.Equal(["name", "elements", "padded_elements", "shard_elements"], unit.EnumerateObject().Select(p => p.Name));
        var events = root.GetProperty("events").EnumerateArray().ToArray();
        Assert.Equal(["micro_batch", "event", "unit", "live_bytes", "highest_bytes"], events[0].EnumerateObject().Select(p => p.Name));

        // The first gather brings the root and nothing else; the peak is the highest of all moments.
        long Of(JsonElement bytes, string kind) => bytes.GetProperty(kind).GetInt64();
        Assert.Equal(("AllGather", "root"), (events[0].GetProperty("event").GetString(), events[0].GetProperty("unit").GetString()));
        Assert.Equal(4 * unit.GetProperty("padded_elements").GetInt64(), Of(events[0].GetProperty("live_bytes"), "gathered"));
        Assert.Equal(Of(root.GetProperty("peak_bytes"), "total"), events.Max(e => Of(e.GetProperty("highest_bytes"), "total")));
    }

    [Fact]
    public async Task Json_HasMemoryAsARunWritesIt_AndTime()
    {
        Assert.Equal(0, await RunAsync("--json", "--ranks", "2"));

        using var json = JsonDocument.Parse(_terminal.Written);
        var plan = json.RootElement;
        Assert.Equal([0, 1], plan.GetProperty("ranks").EnumerateArray().Select(rank => rank.GetProperty("rank").GetInt32()));
        Assert.All(plan.GetProperty("ranks").EnumerateArray(), rank =>
            Assert.Equal(["rank", "peak_bytes", "steady_bytes", "model_state_bytes_expected"], rank.EnumerateObject().Select(p => p.Name)));
        Assert.True(plan.GetProperty("fits").GetBoolean());
        var (step, parts) = (plan.GetProperty("step_seconds").GetDouble(), plan.GetProperty("seconds").EnumerateObject().Sum(part => part.Value.GetDouble()));
        Assert.Equal(step, parts, 1e-9);
        Assert.Equal(8 * 64 / step, plan.GetProperty("tokens_per_second").GetDouble(), 1e-6 * 8 * 64 / step);
        Assert.InRange(plan.GetProperty("mfu").GetDouble(), 0.01, 0.5);
    }

    [Fact]
    public async Task Text_SaysTimeLimitAndChanges_InAHundredColumns()
    {
        Assert.Equal(0, await RunAsync("--ranks", "2", "--set", "gradient_accumulation_steps=2"));

        Assert.All(_terminal.Written.Split('\n'), line => Assert.InRange(line.TrimEnd('\r').Length, 0, 100));
        foreach (var line in (string[])["peak ", "fits ", "step ", "  compute ", "  exposed communication ", "limit ", "faster with", "  --set gradient_accumulation_steps=1 "])
            Assert.Contains($"\n{line}", _terminal.Written, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChangeToOneMicroBatch_LeavesOutTheKeysOfAccumulation_AndIsAccepted()
    {
        string[] settings = ["--ranks", "2", "--set", "gradient_accumulation_steps=2", "--set", "zero_optimization.reduce=last", "--set", "zero_optimization.keep_gathered=true"];
        Assert.Equal(0, await RunAsync(["--json", .. settings]));
        using var json = JsonDocument.Parse(_terminal.Written);
        var change = Assert.Single(
            json.RootElement.GetProperty("changes").EnumerateArray().Select(c => c.GetProperty("set").GetString()!),
            set => set.StartsWith("gradient_accumulation_steps=1 ", StringComparison.Ordinal));
        Assert.Equal("gradient_accumulation_steps=1 --set zero_optimization.reduce=each --set zero_optimization.keep_gathered=false", change);
        Assert.Equal(0, await RunAsync([.. settings, "--set", .. change.Split(' ')]));
    }

    [Fact]
    public async Task MoreThanTheMachineHas_DoesNotFit_AndChangesAreThoseThatMakeItFit()
    {
        Assert.Equal(0, await RunAsync(
            "--json", "--ranks", "2", "--set", "model.n_layer=10", "--set", "model.n_embd=512", "--set", "model.n_positions=512", "--set", "train_batch_size=8", "--set", "gradient_accumulation_steps=1"));

        using var json = JsonDocument.Parse(_terminal.Written);
        Assert.False(json.RootElement.GetProperty("fits").GetBoolean());
        var changes = json.RootElement.GetProperty("changes").EnumerateArray().ToArray();
        Assert.NotEmpty(changes);
        Assert.All(changes, change => Assert.InRange(change.GetProperty("peak_bytes").GetInt64(), 1, 1L << 29));
    }

    [Fact]
    public async Task BestOfASweep_IsAConfigurationThatTrains()
    {
        File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));
        Assert.Equal(0, await RunAsync("--ranks", "4", "--sweep", "--output", _folder.At("best.json"), "--set", $"data.train={_folder.At("text.txt")}"));
        Assert.All(_terminal.Written.Split('\n'), line => Assert.InRange(line.TrimEnd('\r').Length, 0, 100));
        await TrainsAsync();
    }

    [Fact]
    public async Task BestOfANamedModelsSweep_IsAConfigurationThatTrains()
    {
        File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));
        File.WriteAllText(_folder.At("config.json"), """{ "model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 64, "vocab_size": 300 }""");
        string[] named = ["plan", "--model", _folder.At("config.json"), "--sequence", "64", "--cluster", "h100x8", "--ranks", "4", "--accumulation", "2", "--sweep", "--output", _folder.At("best.json")];
        var tool = new Tool(_terminal, Reports.Engines);
        Assert.Equal(0, await tool.RunAsync([.. named, "--set", $"data.train={_folder.At("text.txt")}", "--set", "steps=1"]));
        await TrainsAsync();

        Assert.Equal(2, await tool.RunAsync(named));
        Assert.Contains("'data.train' is missing: name a file", _terminal.Errors, StringComparison.Ordinal);
    }

    private async Task TrainsAsync()
    {
        var trained = new StringTerminal();
        Assert.Equal((0, ""), (await new Tool(trained, Engines.Real).RunAsync(
            ["train", _folder.At("best.json"), "--set", "steps=1", "--output", _folder.At("best-run")]), trained.Errors));
        Assert.True(File.Exists(_folder.At("best-run/metrics.jsonl")));
    }

    [Fact]
    public async Task Sweep_HasStagesGroupsBatchesCheckpointingAndPrecision()
    {
        Assert.Equal(0, await RunAsync("--ranks", "4", "--sweep"));

        var rows = _terminal.Written.Split('\n').Skip(1).Where(line => line.Length > 2).Select(line => line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        Assert.Equal(["0", "1", "2", "3"], rows.Select(row => row[0]).Distinct().Order());
        Assert.Equal(["2", "all"], rows.Select(row => row[1]).Distinct().Order());
        Assert.Equal(["1", "2"], rows.Select(row => row[2]).Distinct().Order());
        Assert.Equal(["full", "none", "selective"], rows.Select(row => row[4]).Distinct().Order());
        Assert.Equal(["bf16", "fp32"], rows.Select(row => row[5]).Distinct().Order());

        // Stages above 0 have groups of two beside one of all four; each with two batches, three kinds of checkpointing and two precisions.
        Assert.Equal(7 * 2 * 3 * 2, rows.Length);
        Assert.Contains(_terminal.Written.Split('\n'), line => line.StartsWith("* ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ScalingAndReport_OfAConfigurationOnAPreset_AreDrawn()
    {
        Assert.Equal(0, await RunAsync("--cluster", "h100x8", "--scaling", "1,2,8,16", "--set", "train_batch_size=16", "--svg", _folder.At("scaling.svg")));
        Assert.Contains("strong scaling: the batch stays", _terminal.Written, StringComparison.Ordinal);
        Assert.StartsWith("<svg ", File.ReadAllText(_folder.At("scaling.svg")), StringComparison.Ordinal);

        Assert.Equal(0, await RunAsync("--cluster", "h100x8", "--ranks", "8", "--html", _folder.At("plan.html"), "--trace", _folder.At("plan.json")));
        var page = File.ReadAllText(_folder.At("plan.html"));
        Assert.Equal(4, page.Split("<svg ").Length - 1);
        Assert.Contains("prefers-color-scheme: dark", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal), StringComparison.Ordinal);
        using var trace = JsonDocument.Parse(File.ReadAllText(_folder.At("plan.json")));
        Assert.Contains(trace.RootElement.GetProperty("traceEvents").EnumerateArray(), e => e.GetProperty("name").GetString() == "Backward");
    }

    [Fact]
    public async Task Svg_DrawsThePlan_AndATracedRunOverIt()
    {
        File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));
        var trained = new StringTerminal();
        Assert.Equal((0, ""), (await new Tool(trained, Engines.Real).RunAsync(
            ["train", _folder.Configuration, "--ranks", "2", "--set", "zero_optimization.stage=3", "--set", $"data.train={_folder.At("text.txt")}",
             "--output", _folder.At("out"), "--trace"]), trained.Errors));

        Assert.Equal(0, await RunAsync("--ranks", "2", "--rank", "1", "--svg", _folder.At("plan.svg"), "--over", _folder.At("out/trace.json")));
        var svg = File.ReadAllText(_folder.At("plan.svg"));
        Assert.StartsWith("<svg ", svg, StringComparison.Ordinal);
        Assert.Contains("milliseconds of the measured step", svg, StringComparison.Ordinal);

        // The trace of another run does not fit; neither does anything else.
        Assert.Equal(2, await RunAsync("--ranks", "2", "--set", "model.n_layer=3", "--svg", _folder.At("no.svg"), "--over", _folder.At("out/trace.json")));
        Assert.Contains("has no step of rank 0 with the ", _terminal.Errors, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("--ranks", "2", "--svg", _folder.At("no.svg"), "--over", _folder.Configuration));
        Assert.Contains("is not a trace of netzero train --trace", _terminal.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.At("no.svg")));
    }

    // The command stands in docs/sharding.md. Kernels take scratch memory by their widths, so other processors may draw a line of pixels
    // elsewhere.
    [Fact]
    public async Task ThePictureOfTheDocuments_IsWhatTheirCommandDraws()
    {
        var page = File.ReadAllText(Repository.At("docs/sharding.md"));
        var command = DrawingCommand().Match(page).Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("--ranks", command);
        string[] arguments = [Repository.At(command[0]), .. command[1..^1], _folder.At("drawn.svg")];
        Assert.Equal((0, ""), (await new Tool(_terminal, Reports.Engines).RunAsync(["plan", .. arguments]), _terminal.Errors));

        var (kept, drawn) = (File.ReadAllText(Repository.At(command[^1])), File.ReadAllText(_folder.At("drawn.svg")));
        Assert.Equal(Number().Replace(kept, "0"), Number().Replace(drawn, "0"));
        Assert.Equal(Numbers(kept), Numbers(drawn), (a, b) => Math.Abs(a - b) <= 1);

        static IEnumerable<double> Numbers(string svg) =>
            Number().Matches(svg).Select(number => double.Parse(number.Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("`netzero plan (samples/[^`]* --svg docs/[^`]*)`")]
    private static partial Regex DrawingCommand();

    [GeneratedRegex(@"-?\d+(\.\d+)?")]
    private static partial Regex Number();

    // What only the model can tell is said as a run says it.
    [Fact]
    public async Task PatternThatFitsNothing_IsNamedByItsKey()
    {
        Assert.Equal(2, await RunAsync("--set", "optimizer={\"type\": \"Muon\", \"params\": {\"adamw_params\": \"none.*\"}}"));

        Assert.StartsWith(
            "error: 'optimizer.params.adamw_params': the pattern 'none.*' fits no parameter; parameters are named '", _terminal.Errors, StringComparison.Ordinal);
        Assert.Single(_terminal.Errors.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("--over draws on a picture; say where with --svg FILE", "--over", "trace.json")]
    [InlineData("the trace 'none.json' does not exist; netzero train --trace writes one", "--svg", "never.svg", "--over", "none.json")]
    [InlineData("--rank is 2; expected a whole number, from 0 to 1", "--ranks", "2", "--rank", "2")]
    [InlineData("--cluster has no effect beside --schedule; leave it out", "--schedule", "--cluster", "h100x8")]
    [InlineData("--network has no effect beside this machine; leave it out", "--network", "infiniband-ndr")]
    [InlineData("device 'V100-32GB' has no bf16 matrix products; it has fp16, fp32", "--cluster", "v100-32x8", "--set", "bf16.enabled=true")]
    [InlineData("--output takes the best choice of a sweep; add --sweep, or leave it out", "--output", "best.json")]
    [InlineData("'train_batch_size' 8 does not divide over 3 ranks", "--scaling", "1,3")]
    [InlineData("Unrecognized command or argument '--what'. (see netzero plan --help)", "--what")]
    public async Task Mistake_IsOneLineAndCode2(string error, params string[] arguments) =>
        Assert.Equal((2, $"error: {error}\n"), (await RunAsync(arguments), _terminal.Errors));
}

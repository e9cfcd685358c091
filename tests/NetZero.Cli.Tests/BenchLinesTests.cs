using System.Text.Json;

namespace NetZero.Cli.Tests;

/// <summary>The verbs of `netzero bench` that measure beside a limit, for real and for moments.</summary>
public class BenchLinesTests
{
    private readonly StringTerminal _terminal = new();

    private Task<int> RunAsync(params string[] arguments) => new Tool(_terminal, Reports.Engines).RunAsync(["bench", .. arguments]);

    [Theory]
    [InlineData("gemm", "GFLOP/s", "FMA peak", new[] { "512^3 NN", "512^3 NT", "512^3 TN", "512^3 TT" }, "--filter", "512^3")]
    [InlineData("gemm", "GFLOP/s", "FMA peak", new[] { "given" }, "--shape", "33x65x129")]
    [InlineData("gemm", "GB/s", "reading as many bytes", new[] { "given" }, "--shape", "1x65x129")]
    [InlineData("kernels", "GB/s", "copy of as many bytes", new[] { "LayerNorm forward", "LayerNorm forward + backward" }, "--filter", "layernorm")]
    [InlineData("kernels", "GB/s", "copy of as many bytes", new[] { "Add forward" }, "--filter", "add")]
    [InlineData("kernels", "GFLOP/s", "FMA peak", new[] { "Attention forward", "Attention forward + backward" }, "--filter", "attention")]
    public async Task Json_HasALineForEachPieceOfWork_WithItsShareOfTheLimit(
        string verb, string unit, string limit, string[] names, params string[] options)
    {
        var lines = await LinesAsync(verb, options);

        Assert.Equal(names, lines.Select(line => line.GetProperty("name").GetString()));
        Assert.All(lines, line => Assert.Equal(
            (unit, limit), (line.GetProperty("unit").GetString(), line.GetProperty("limit_name").GetString())));
    }

    [Theory]
    [InlineData("1000", "AdamW, one range: GB/s of the same memory, read and written")]
    [InlineData("1000001", "AdamW, one range: GB/s of the same memory, read and written", "AdamW, 2 ranges: GB/s of the same memory, read and written")]
    public async Task Adam_ComparesEachOptimizerWithItsOwnLimit(string parameters, params string[] ranges)
    {
        var lines = await LinesAsync("adam", "--parameters", parameters);

        Assert.Equal(
            [.. ranges, "Lion, one range: GB/s of copy", "AdamW, bf16 moments: Gparam/s of AdamW with fp32 moments", "AdamW, 8-bit moments: Gparam/s of AdamW with fp32 moments"],
            lines.Select(line => $"{line.GetProperty("name")}: {line.GetProperty("unit")} of {line.GetProperty("limit_name")}"));
    }

    [Fact]
    public async Task MemoryBandwidth_ComparesThePatternsWithTheFastest()
    {
        var lines = await LinesAsync("memory-bandwidth", "--mebibytes", "1");

        Assert.Equal(
            ["copy", "copy, non-temporal", "read", "write", "write, non-temporal", "AdamW's pattern: read 4, write 3"],
            lines.Select(line => line.GetProperty("name").GetString()));
        Assert.Equal(1, lines.Max(line => line.GetProperty("share").GetDouble()));
    }

    [Fact]
    public async Task FmaPeak_ComparesTheWidthsWithTheFastest()
    {
        var lines = await LinesAsync("fma-peak");

        Assert.Contains("scalar, not fused", lines.Select(line => line.GetProperty("name").GetString()));
        Assert.EndsWith("sustained", lines[^1].GetProperty("name").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, lines.Max(line => line.GetProperty("share").GetDouble()));
    }

    [Fact]
    public async Task Text_IsATableWithALineForEachPieceOfWork()
    {
        Assert.Equal(0, await RunAsync("gemm", "--shape", "64x64x64", "--seconds", "0.001"));

        var lines = _terminal.Written.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Matches(@"^ +rate +limit +share  of$", lines[0]);
        Assert.Matches(@"^given +64 x 64 x 64 +[\d,.]+ +[\d,.]+ GFLOP/s +[\d.]+ %  FMA peak$", lines[1]);
    }

    [Theory]
    [InlineData("--threads is 0; expected a whole number, from 1 to 1024", "gemm", "--threads", "0")]
    [InlineData("--seconds is 0; expected a number above 0, at most 3600", "adam", "--seconds", "0")]
    [InlineData("--seconds is NaN; expected a number above 0, at most 3600", "fma-peak", "--seconds", "NaN")]
    [InlineData("--parameters is -1; expected a whole number, at least 1", "adam", "--parameters", "-1")]
    [InlineData("--mebibytes is 0; expected a whole number, at least 1", "memory-bandwidth", "--mebibytes", "0")]
    [InlineData("--threads is 2000000000; expected a whole number, from 1 to 1024", "kernels", "--threads", "2000000000")]
    [InlineData("--shape is '8x8'; expected MxNxK, three whole numbers from 1 to 1048576, such as 512x768x3072", "gemm", "--shape", "8x8")]
    [InlineData("--shape is '9x9x9999999999'; expected MxNxK, three whole numbers from 1 to 1048576, such as 512x768x3072", "gemm", "--shape", "9x9x9999999999")]
    [InlineData("--filter chooses from the known shapes and --shape gives one; leave one of them out", "gemm", "--shape", "8x8x8", "--filter", "small")]
    public async Task Mistake_IsOneLineAndCode2(string error, params string[] arguments) =>
        Assert.Equal((2, $"error: {error}\n", ""), (await RunAsync(arguments), _terminal.Errors, _terminal.Written));

    [Theory]
    [InlineData("gemm", "small qkv y")]
    [InlineData("kernels", "LayerNorm")]
    public async Task FilterThatMatchesNothing_ListsTheNames(string verb, string name)
    {
        Assert.Equal(2, await RunAsync(verb, "--filter", "nothing"));
        Assert.StartsWith("error: --filter is 'nothing', which no name contains; the names are ", _terminal.Errors, StringComparison.Ordinal);
        Assert.Contains(name, _terminal.Errors, StringComparison.Ordinal);
    }

    // Rates are positive whatever else the machine does; nothing more can be asked of a moment's measurement.
    private async Task<List<JsonElement>> LinesAsync(string verb, params string[] options)
    {
        Assert.Equal(0, await RunAsync([verb, .. options, "--threads", "2", "--seconds", "0.001", "--json"]));
        using var json = JsonDocument.Parse(_terminal.Written);
        Assert.Equal(["benchmark", "threads", "lines"], json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal((verb, 2), (json.RootElement.GetProperty("benchmark").GetString(), json.RootElement.GetProperty("threads").GetInt32()));
        List<JsonElement> lines = [.. json.RootElement.GetProperty("lines").EnumerateArray().Select(line => line.Clone())];
        Assert.All(lines, line =>
        {
            Assert.Equal(
                ["name", "work", "rate", "limit", "unit", "limit_name", "share", "seconds"], line.EnumerateObject().Select(property => property.Name));
            double Value(string name) => line.GetProperty(name).GetDouble();
            Assert.True(Value("rate") > 0 && Value("limit") > 0 && Value("seconds") > 0, line.ToString());
            Assert.Equal(Value("rate") / Value("limit"), Value("share"), 1e-12);
        });
        return lines;
    }
}

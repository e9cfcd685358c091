using System.Text.Json;
using NetZero.Training;

namespace NetZero.Cli.Tests;

public class BenchCommandTests
{
    private static readonly TrainingBenchmarkResult Result = new(2205, 158.04, 234, 21 << 20, 0.4, 0, 2048, 0);

    private readonly StringTerminal _terminal = new();
    private TrainingBenchmarkOptions? _asked;

    private Task<int> RunAsync(params string[] arguments) => new Tool(_terminal, Reports.Engines with
    {
        BenchTrain = (options, _, _) =>
        {
            _asked = options;
            return Task.FromResult(Result);
        },
    }).RunAsync(["bench", .. arguments]);

    [Fact]
    public async Task Json_IsOneObjectWithTheContractsKeys()
    {
        Assert.Equal(0, await RunAsync("train", "--shape", "gpt2", "--ranks", "3", "--stage", "2", "--threads", "4", "--precision", "bf16", "--steps", "5", "--json"));

        using var json = JsonDocument.Parse(_terminal.Written);
        Assert.Equal(
            [
                "shape", "ranks", "stage", "threads", "precision", "steps", "tokens_per_second", "gflops", "fma_peak_gflops", "fma_peak_share", "peak_bytes",
                "first_step_seconds", "steady_system_allocations", "managed_bytes_per_step", "gen2_collections",
            ],
            json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(21 << 20, json.RootElement.GetProperty("peak_bytes").GetInt64());
        Assert.Equal(158.04 / 234, json.RootElement.GetProperty("fma_peak_share").GetDouble());
        Assert.Equal(("gpt2", 3, 2, 4, "bf16", 5), (_asked!.Shape.Name, _asked.Ranks, _asked.Stage, _asked.ThreadsPerRank, _asked.Precision, _asked.Steps));
    }

    [Fact]
    public async Task Text_IsAFewLines()
    {
        Assert.Equal(0, await RunAsync("train", "--steps", "1"));

        Assert.Equal(
            """
            shape small, 2 ranks of 1 thread, ZeRO stage 3, fp32, 1 step
            speed       2,205 tokens/s in the median step
            compute     158.0 GFLOP/s, 67.5 % of the 234.0 that these threads reach with multiply-adds alone
            memory      21.0 MiB at the peak of a rank
            first step  done 0.40 s after the process started
            steady      0 requests for native memory, 2.00 KiB of managed memory a rank and step, 0 full collections

            """.ReplaceLineEndings("\n"),
            _terminal.Written);
    }

    [Theory]
    [InlineData("", "save", "load, verified", "asynchronous save, until it returns", "CRC-32C, one core")]
    [InlineData("--async", "a step and a save, copy left out", "asynchronous save, to its end")]
    public async Task Checkpoint_MeasuresWhatItSays_AndLeavesNothing(string option, params string[] names)
    {
        var folder = Directory.CreateTempSubdirectory("netzero-tests-").FullName;
        try
        {
            string[] chosen = option.Length > 0 ? [option] : [];
            Assert.Equal(0, await RunAsync(["checkpoint", "--dir", folder, "--layers", "1", "--hidden", "64", "--json", .. chosen]));
            Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        using var json = JsonDocument.Parse(_terminal.Written);
        var lines = json.RootElement.GetProperty("lines").EnumerateArray().ToArray();
        Assert.Equal(names, lines.Select(line => line.GetProperty("name").GetString()));
        Assert.All(lines, line => Assert.True(line.GetProperty("rate").GetDouble() > 0 && line.GetProperty("limit").GetDouble() > 0));
    }

    [Theory]
    [InlineData("--shape is 'big'; expected one of small, gpt2", "train", "--shape", "big")]
    [InlineData("--ranks is 0; expected a whole number, from 1 to 1024", "train", "--ranks", "0")]
    [InlineData("--stage is 4; expected a whole number, from 0 to 3", "train", "--stage", "4")]
    [InlineData("--precision is 'int8'; expected one of fp32, bf16, fp16", "train", "--precision", "int8")]
    [InlineData("--ranks would have no effect: it belongs to --async; remove it", "checkpoint", "--ranks", "2")]
    [InlineData("--hidden is 65; expected a multiple of 64", "checkpoint", "--hidden", "65")]
    [InlineData("Required command was not provided. (see netzero bench --help)")]
    [InlineData("Unrecognized command or argument '--what'. (see netzero bench train --help)", "train", "--what")]
    public async Task Mistake_IsOneLineAndCode2(string error, params string[] arguments)
    {
        Assert.Equal((2, $"error: {error}\n"), (await RunAsync(arguments), _terminal.Errors));
        Assert.Null(_asked);
    }
}

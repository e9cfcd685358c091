using System.Text.Json;
using NetZero.Training;

namespace NetZero.Cli.Tests;

public class BenchCommandTests
{
    private readonly StringTerminal _terminal = new();
    private RunConfiguration? _asked;

    private Task<int> RunAsync(params string[] arguments) => new Tool(
        _terminal,
        (configuration, _, observer, _) =>
        {
            _asked = configuration;
            observer.OnStart(Reports.Start(configuration));
            for (var step = 0; step < configuration.Steps; step++)
                observer.OnStep(Reports.Step(step, 1));
            return Task.FromResult(Reports.Summary);
        },
        Reports.NoText).RunAsync(["bench", .. arguments]);

    [Fact]
    public async Task Json_IsOneObjectWithTheContractsKeys()
    {
        Assert.Equal(0, await RunAsync("train", "--shape", "gpt2", "--ranks", "3", "--stage", "2", "--threads", "1", "--steps", "4", "--json"));

        using var json = JsonDocument.Parse(_terminal.Written);
        Assert.Equal(
            [
                "shape", "ranks", "stage", "threads", "steps", "tokens_per_second", "gflops", "fma_peak_gflops", "fma_peak_share", "peak_bytes",
                "first_step_seconds",
            ],
            json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(21 << 20, json.RootElement.GetProperty("peak_bytes").GetInt64());
        Assert.Equal(("gpt2", 3), (json.RootElement.GetProperty("shape").GetString(), json.RootElement.GetProperty("ranks").GetInt32()));
        Assert.Equal((3, 2, 7), (_asked!.Ranks, _asked.Zero.Stage, _asked.Steps));
    }

    [Fact]
    public async Task Text_IsATable()
    {
        Assert.Equal(0, await RunAsync("train", "--steps", "1"));

        Assert.StartsWith("shape small, 2 ranks of 1 threads, ZeRO stage 3, 1 steps\nspeed       24,576 tokens/s in the median step\n", _terminal.Written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shape is 'big'; expected one of small, gpt2", "train", "--shape", "big")]
    [InlineData("Required command was not provided. (see netzero bench --help)")]
    [InlineData("Unrecognized command or argument '--what'. (see netzero bench train --help)", "train", "--what")]
    public async Task Mistake_IsOneLineAndCode2(string error, params string[] arguments) =>
        Assert.Equal((2, $"error: {error}\n"), (await RunAsync(arguments), _terminal.Errors));
}

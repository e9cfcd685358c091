using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using NetZero.Checkpoints;

namespace NetZero.Cli.Tests;

/// <summary>Training that is killed at any instant, again and again: it always goes on from a whole checkpoint, and ends with the numbers of a run that nobody killed.</summary>
/// <remarks><c>NETZERO_KILLS</c> says how often; the nightly script asks for more than there is time for here.</remarks>
public sealed class KillDrillTests : IDisposable
{
    private const int EverySteps = 3;

    private readonly TemporaryFolder _folder = new();

    public KillDrillTests() => File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, "--ranks")]
    [InlineData(true, "--ranks")]
    [InlineData(true, "--processes")]
    public async Task KilledAtRandomInstants_AlwaysResumesFromAWholeCheckpoint(bool beside, string ranks)
    {
        var kills = int.Parse(Environment.GetEnvironmentVariable("NETZERO_KILLS") ?? "20", CultureInfo.InvariantCulture);
        var random = new Random(beside ? 1 : 2);
        string[] arguments =
        [
            "train", _folder.Configuration, ranks, "2", "--resume", "--set", "model.dropout=0.1", "--set", "data.shuffle=true", "--set", "zero_optimization.stage=3",
            "--set", "threads_per_rank=1", "--set", $"checkpoint={{\"every_steps\": {EverySteps}, \"keep_last\": 3, \"async\": {(beside ? "true" : "false")}}}",
        ];

        // Of all that is asked for, half without asynchronous saves, the rest with them; few as processes, whose starts take longest.
        var count = ranks == "--processes" ? kills / 10 : (kills - (kills / 10)) / 2;
        var stepsBehind = 0L;
        for (var kill = 0; kill < count; kill++)
        {
            await KillAsync(arguments, random.Next(100, 700), afterCheckpoint: kill == 0);
            stepsBehind = CheckWhatIsLeft(stepsBehind, beside ? 2 * EverySteps : EverySteps);
        }

        Assert.True(stepsBehind > 0, "no run came as far as its first checkpoint");
        var steps = $"steps={stepsBehind + 2}";
        await RunAsync([.. arguments, "--set", steps]);
        await RunAsync([.. arguments.Where(a => a != "--resume"), "--set", steps, "--set", "checkpoint={}", "--output", _folder.At("whole")]);
        Assert.Equal(Losses("whole"), Losses("out"));
        Assert.Equal(File.ReadAllBytes(_folder.At("whole/model/model.safetensors")), File.ReadAllBytes(_folder.At("out/model/model.safetensors")));
    }

    // Waits for a step, or not even for that, and a random time. The first time for a checkpoint, so that there is one on a slow machine too.
    private async Task KillAsync(string[] arguments, int milliseconds, bool afterCheckpoint)
    {
        using var process = Start([.. arguments, "--set", "steps=1000000"]);
        _ = process.StandardError.ReadToEndAsync();
        var stepped = afterCheckpoint ? UntilAsync(process.StandardOutput, "checkpoint step")
            : milliseconds % 4 == 0 ? Task.CompletedTask : UntilAsync(process.StandardOutput, "step ");
        await Task.WhenAny(stepped, process.WaitForExitAsync());
        await Task.Delay(milliseconds);
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
    }

    // The steps of the newest checkpoint; all that are there must be whole.
    private long CheckWhatIsLeft(long before, int mostLost)
    {
        var folder = new CheckpointFolder(_folder.At("out/checkpoints"));
        var steps = folder.Steps();
        foreach (var step in steps)
        {
            using var reader = CheckpointReader.Open(folder.Of(step));
            reader.Verify(damage => Assert.Fail(damage));
            Assert.Equal(step, reader.Manifest.Step);
        }

        var newest = steps.FirstOrDefault();
        Assert.True(newest >= before, $"the newest checkpoint is of step {newest}, it was {before}");
        var done = File.Exists(_folder.At("out/metrics.jsonl")) ? File.ReadLines(_folder.At("out/metrics.jsonl")).Count(line => line.EndsWith('}')) : 0;
        Assert.True(done - newest <= mostLost, $"{done} steps were done, but the newest checkpoint is of {newest}");
        return newest;
    }

    private string[] Losses(string run)
    {
        var lines = File.ReadLines(_folder.At($"{run}/metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(Enumerable.Range(0, lines.Length), lines.Select(line => line.GetProperty("step").GetInt32()));
        return [.. lines.Select(line => $"{line.GetProperty("loss")} {line.GetProperty("grad_norm")} {line.GetProperty("tokens")}")];
    }

    private static async Task UntilAsync(StreamReader reader, string start)
    {
        string? line;
        do
            line = await reader.ReadLineAsync();
        while (line is not null && !line.StartsWith(start, StringComparison.Ordinal));
        _ = reader.ReadToEndAsync();
    }

    private async Task RunAsync(string[] arguments)
    {
        using var process = Start(arguments);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors + await output);
    }

    private Process Start(string[] arguments) => Child.Start(
        new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "netzero.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.FullPath,
        });
}

using System.Diagnostics;
using System.Text.Json;
using NetZero.Testing;

namespace NetZero.Cli.Tests;

/// <summary>The tool as a process that is asked to stop, and goes on.</summary>
public sealed class StopAndResumeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public StopAndResumeTests() => File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));

    public void Dispose() => _folder.Dispose();

    [TheoryOnSystem(TestSystems.Unix, "on Windows a console event goes to every process of the console, this one included")]
    [InlineData("INT", "--ranks", "2")]
    [InlineData("TERM", "--ranks", "1")]
    [InlineData("INT", "--processes", "2")]
    public async Task FirstSignal_SavesTheStepAndEndsWithCode0_AndResumeGoesOn(string signal, string ranks, string count)
    {
        string[] arguments = ["train", _folder.Configuration, ranks, count, "--set", "checkpoint.every_steps=1000"];
        using var process = Start([.. arguments, "--set", "steps=100000"]);
        await UntilAsync(process.StandardOutput, "step 3/");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await SendAsync(signal, process);
        await process.WaitForExitAsync();

        Assert.Equal((0, "finishing the step and saving a checkpoint; once more ends at once"), (process.ExitCode, (await errors).Trim()));
        var done = File.ReadLines(_folder.At("out/metrics.jsonl")).Count();
        var checkpoint = _folder.At($"out/checkpoints/step-{done:D6}");
        Assert.Contains($"stopped after {done} of 100000 steps and saved {checkpoint}; --resume goes on from there\n", await output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(checkpoint, "checkpoint.json")));

        using var rest = Start([.. arguments, "--set", $"steps={done + 2}", "--resume"]);
        var (text, problems) = (rest.StandardOutput.ReadToEndAsync(), rest.StandardError.ReadToEndAsync());
        await rest.WaitForExitAsync();
        Assert.Equal((0, ""), (rest.ExitCode, await problems));
        Assert.Contains($"resume  {checkpoint}, {done} steps behind it\n", await text, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, done + 2), File.ReadLines(_folder.At("out/metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt32()));
        Assert.True(File.Exists(_folder.At("out/model/model.safetensors")));
    }

    [TheoryOnSystem(TestSystems.Unix, "on Windows a console event goes to every process of the console, this one included")]
    [InlineData("--ranks", 1)]
    [InlineData("--ranks", 1000)]
    [InlineData("--processes", 1)]
    [InlineData("--processes", 1000)]
    public async Task SecondSignal_EndsWithinTwoSeconds(string ranks, int samples)
    {
        // A step of many micro-batches takes minutes. They look for cancellation in between: one that takes seconds itself is not waited
        // for.
        using var process = Start(
        [
            "train", _folder.Configuration, ranks, "2", "--set", "train_batch_size=200000",
            "--set", $"train_micro_batch_size_per_gpu={samples}", "--set", "checkpoint.every_steps=1",
        ]);
        await UntilAsync(process.StandardOutput, "output ");
        _ = process.StandardOutput.ReadToEndAsync();
        await SendAsync("INT", process);
        await UntilAsync(process.StandardError, "finishing the step");
        _ = process.StandardError.ReadToEndAsync();
        await Task.Delay(300);
        Assert.False(process.HasExited);

        var clock = Stopwatch.StartNew();
        await SendAsync("INT", process);
        await process.WaitForExitAsync();
        Assert.Equal(130, process.ExitCode);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 2);
    }

    [Fact]
    public async Task DamagedCheckpoint_IsOneLineAndCode3()
    {
        using var first = Start(["train", _folder.Configuration, "--set", "checkpoint.every_steps=1", "--json"]);
        await first.StandardOutput.ReadToEndAsync();
        await first.WaitForExitAsync();
        foreach (var path in Directory.EnumerateFiles(_folder.At("out/checkpoints"), "checkpoint.json", SearchOption.AllDirectories))
            File.WriteAllText(path, File.ReadAllText(path).Replace("\"version\":1", "\"version\":7", StringComparison.Ordinal));

        using var process = Start(["train", _folder.Configuration, "--set", "checkpoint.every_steps=1", "--resume", "auto"]);
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(3, process.ExitCode);
        Assert.Matches("^error: .*none of its 2 checkpoints can be used: .*checksum.*\n$", await errors);
    }

    private static async Task UntilAsync(StreamReader reader, string start)
    {
        for (var line = ""; !line.StartsWith(start, StringComparison.Ordinal);)
            line = await reader.ReadLineAsync() ?? throw new InvalidOperationException($"The process ended before it wrote '{start}'.");
    }

    private static async Task SendAsync(string signal, Process process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    private Process Start(string[] arguments) => Child.Start(
        new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "netzero.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.FullPath,
        });
}

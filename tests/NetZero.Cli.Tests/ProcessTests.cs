using System.Diagnostics;
using NetZero.Testing;

namespace NetZero.Cli.Tests;

/// <summary>The tool as the process that users start.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ProcessTests() => File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));

    public void Dispose() => _folder.Dispose();

    private Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.FullPath,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "netzero.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        return Child.Start(start);
    }

    [Fact]
    public async Task Train_WritesARun()
    {
        using var process = Start("train", _folder.Configuration, "--ranks", "2", "--trace");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal((0, ""), (process.ExitCode, await errors));
        Assert.Contains("step 2/2  loss ", await output, StringComparison.Ordinal);
        Assert.Equal(
            ["config.json", "memory.json", "metrics.jsonl", "model", "trace.json"],
            Directory.EnumerateFileSystemEntries(_folder.At("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task ReaderThatStopsReading_DoesNotEndTheRun()
    {
        using var process = Start("train", _folder.Configuration, "--set", "steps=20");
        await process.StandardOutput.ReadLineAsync();
        process.StandardOutput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal((0, ""), (process.ExitCode, await errors));
        Assert.True(File.Exists(_folder.At("out/model/model.safetensors")));
    }

    [Fact]
    public async Task Mistake_IsOneLineOnTheErrorOutput_AndCode2()
    {
        using var process = Start("train", _folder.Configuration, "--set", "data.train=missing.txt");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(2, process.ExitCode);
        Assert.Equal($"error: 'data.train': 'missing.txt' not found (looked for {_folder.At("missing.txt")})", (await errors).TrimEnd());
        Assert.Equal("", await output);
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    // What the plan counts is what a process takes: more by its buffers and the runtime, less by pages that were never touched.
    [TheoryOnSystem(TestSystems.Linux, "elsewhere the highest resident size of a process that has ended is not to be had alike")]
    [InlineData(1)]
    [InlineData(3)]
    public async Task ResidentMemory_IsThePlans(int stage)
    {
        string[] large =
        [
            _folder.Configuration, "--ranks", "2", "--set", $"zero_optimization.stage={stage}", "--set", "model.n_embd=768", "--set", "model.n_layer=3", "--set", "train_batch_size=4",
        ];
        var terminal = new StringTerminal();
        Assert.Equal(0, await new Tool(terminal, Reports.Engines).RunAsync(["plan", .. large, "--json"]));
        using var plan = System.Text.Json.JsonDocument.Parse(terminal.Written);
        var planned = plan.RootElement.GetProperty("ranks").EnumerateArray().Sum(rank => rank.GetProperty("peak_bytes").GetProperty("total").GetInt64());

        var without = await HighestResidentAsync("train", _folder.Configuration, "--ranks", "2", "--output", _folder.At("without"));
        var with = await HighestResidentAsync(["train", .. large, "--output", _folder.At("with")]);

        Assert.InRange(planned, 300L << 20, 700L << 20);
        Assert.InRange(with - without, planned * 0.9, (planned * 1.03) + (150 << 20));
    }

    private async Task<long> HighestResidentAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();

        // The kernel keeps the highest value; it is to be had while the process is there.
        long highest = 0;
        while (!process.HasExited)
        {
            try
            {
                foreach (var line in await File.ReadAllLinesAsync($"/proc/{process.Id}/status"))
                    if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                        highest = Math.Max(highest, long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) << 10);
            }
            catch (IOException)
            {
                // It has just ended.
            }

            await Task.Delay(10);
        }

        await process.WaitForExitAsync();
        Assert.Equal((0, ""), (process.ExitCode, await errors));
        await output;
        return highest;
    }

    [FactOnSystem(TestSystems.Unix, "on Windows a console event goes to every process of the console, this one included")]
    public async Task Interrupt_EndsAllRanksWithinTwoSeconds_AndSaysWhatWasKept()
    {
        using var process = Start("train", _folder.Configuration, "--ranks", "3", "--set", "train_batch_size=3", "--set", "steps=1000000");
        for (var line = ""; !line.StartsWith("step 2/", StringComparison.Ordinal);)
            line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException(await process.StandardError.ReadToEndAsync());

        var rest = process.StandardOutput.ReadToEndAsync();
        var clock = Stopwatch.StartNew();
        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
            await kill.WaitForExitAsync();
        await process.WaitForExitAsync();

        Assert.Equal(130, process.ExitCode);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"{clock.Elapsed}");
        Assert.Contains($"kept: config.json, metrics.jsonl, memory.json in {_folder.At("out")}\n", await rest, StringComparison.Ordinal);
        Assert.EndsWith("}\n", File.ReadAllText(_folder.At("out/metrics.jsonl")), StringComparison.Ordinal);
    }
}

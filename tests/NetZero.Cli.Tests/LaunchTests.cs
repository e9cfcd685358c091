using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using NetZero.Testing;

namespace NetZero.Cli.Tests;

/// <summary>Ranks as processes, as users start them.</summary>
public sealed class LaunchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public LaunchTests() => File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 1)]
    public async Task Processes_GiveTheFilesOfThreads_BitForBit(int ranks, int stage)
    {
        string[] options = [_folder.Configuration, "--set", $"zero_optimization.stage={stage}", "--set", "train_batch_size=12", "--set", "threads_per_rank=1"];
        var threads = await RunAsync(["train", .. options, "--ranks", $"{ranks}", "--output", _folder.At("threads")]);
        var processes = await RunAsync(["launch", "--nproc", $"{ranks}", "--", "train", .. options, "--output", _folder.At("processes")]);

        Assert.Equal((0, ""), (threads.Code, threads.Errors));
        Assert.Equal((0, ""), (processes.Code, processes.Errors));
        Assert.Equal(Losses("threads"), Losses("processes"));
        Assert.Equal(File.ReadAllBytes(_folder.At("threads/model/model.safetensors")), File.ReadAllBytes(_folder.At("processes/model/model.safetensors")));
        Assert.Equal(File.ReadAllText(_folder.At("threads/memory.json")), File.ReadAllText(_folder.At("processes/memory.json")));
        Assert.Equal(ranks, Directory.GetFiles(_folder.At("processes/ranks"), "rank-*.log").Length);
        Assert.Contains("step 2/2  loss ", File.ReadAllText(_folder.At("processes/ranks/rank-0.log")), StringComparison.Ordinal);
    }

    [FactOnSystem(TestSystems.Linux, "the rank's process is found through /proc")]
    public async Task RankThatIsKilled_IsNamedWithItsSignal_ByTheLauncherAndEverySurvivor()
    {
        using var launcher = await StartLongRunAsync();
        var victim = WorkersOf(launcher.Id)[1];
        var errors = launcher.StandardError.ReadToEndAsync();
        var clock = Stopwatch.StartNew();
        await KillAsync(victim);
        await launcher.WaitForExitAsync();

        // Two seconds to notice, and what ending three processes takes on a loaded machine.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 6);
        var text = await errors;
        Assert.Equal(137, launcher.ExitCode);
        Assert.Contains($"error: rank 1 (process {victim}) was ended by SIGKILL (exit code 137); its last call was ", text, StringComparison.Ordinal);
        foreach (var survivor in (int[])[0, 2])
            Assert.Contains($"[rank {survivor}] error: Rank 1 failed: process {victim} has ended without a word", text, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), $"*-{victim}-*"));
        Assert.Empty(WorkersOf(launcher.Id));
    }

    [FactOnSystem(TestSystems.Linux, "the rank's process is found through /proc")]
    public async Task RankThatStandsStill_IsNamedByTheDumpOfTheLiveJob_AndByTheReportWhenTheTimeIsUp()
    {
        using var launcher = await StartLongRunAsync("--set", "timeout_seconds=3");
        var victim = WorkersOf(launcher.Id)[1];
        var errors = launcher.StandardError.ReadToEndAsync();
        var clock = Stopwatch.StartNew();
        await SignalAsync("STOP", victim);
        await Task.Delay(500);
        var dump = await RunAsync(["doctor", "--dump", $"{launcher.Id}"]);
        await launcher.WaitForExitAsync();

        // The timeout, the grace after which a process that cannot end is killed, and what the machine adds.
        Assert.InRange(clock.Elapsed.TotalSeconds, 3, 13);
        Assert.Contains($"not there: rank 1 (process {victim}, stopped by a signal), its last call was", dump.Output, StringComparison.Ordinal);
        Assert.Contains(" at ", dump.Output, StringComparison.Ordinal);
        Assert.Equal(5, launcher.ExitCode);
        Assert.Contains($"error: rank 1 (process {victim}, stopped by a signal) held the others up: rank", await errors, StringComparison.Ordinal);
        var text = File.ReadAllLines(_folder.At("out/hang-report.txt"));
        Assert.Contains("CollectiveTimeoutException", text[0], StringComparison.Ordinal);
        Assert.Contains($"rank 1 (process {victim}, stopped by a signal) holds the others up; latest call first:", text);
        using var json = JsonDocument.Parse(File.ReadAllBytes(_folder.At("out/hang-report.json")));
        Assert.Equal(1, Assert.Single(json.RootElement.GetProperty("blamed_ranks").EnumerateArray()).GetInt32());
        var ranks = json.RootElement.GetProperty("ranks");
        Assert.Equal(3, ranks.GetArrayLength());
        foreach (var rank in ranks.EnumerateArray())
        {
            var last = rank.GetProperty("calls")[rank.GetProperty("calls").GetArrayLength() - 1];
            Assert.Matches(@"^\w+\.cs:\d+$", last.GetProperty("call_site").GetString());
        }

        Assert.Empty(WorkersOf(launcher.Id));
    }

    [FactOnSystem(TestSystems.Linux, "the rank's process is found through /proc")]
    public async Task RankThatIsKilled_IsStartedAgainFromACheckpoint_AndTheRunEndsAsIfNothingHadHappened()
    {
        string[] options =
        [
            "train", _folder.Configuration, "--set", "train_batch_size=2", "--set", "steps=400", "--set", "checkpoint.every_steps=20", "--set", "checkpoint.keep_last=2",
        ];
        var whole = await RunAsync([.. options, "--ranks", "2", "--output", _folder.At("whole")]);
        Assert.Equal((0, ""), (whole.Code, whole.Errors));

        using var launcher = Start(["launch", "--nproc", "2", "--max-restarts", "2", "--", .. options, "--output", _folder.At("broken")], []);
        var errors = launcher.StandardError.ReadToEndAsync();
        await ReadUntilAsync(launcher, "step 50/");
        var victim = WorkersOf(launcher.Id)[1];
        await KillAsync(victim);
        var output = await launcher.StandardOutput.ReadToEndAsync();
        await launcher.WaitForExitAsync();
        Assert.True(launcher.ExitCode == 0, await errors);
        Assert.Contains($"restart 1 of 2 with 2 ranks: rank 1 (process {victim}) was ended by SIGKILL (exit code 137)", await errors, StringComparison.Ordinal);

        // From a checkpoint: the first steps did not come again.
        Assert.DoesNotContain("step 10/400", output, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(_folder.At("whole/model/model.safetensors")), File.ReadAllBytes(_folder.At("broken/model/model.safetensors")));
        Assert.Equal(Losses("whole"), Losses("broken"));
        Assert.Empty(WorkersOf(launcher.Id));
    }

    [FactOnSystem(TestSystems.Linux, "the rank's process is found through /proc")]
    public async Task JobThatOverwrites_AndLosesARankBeforeTheOlderRunHasGone_NeverGoesOnWithThatRun()
    {
        string[] options = ["train", _folder.Configuration, "--set", "checkpoint.every_steps=2", "--set", "train_batch_size=4"];
        string[] newer = [.. options, "--set", "steps=3"];
        foreach (var result in (Result[])
            [await RunAsync([.. options, "--set", "steps=4"]), await RunAsync([.. newer, "--ranks", "2", "--output", _folder.At("whole")])])
            Assert.Equal((0, ""), (result.Code, result.Errors));

        // Killed as soon as it is there: while its runtime starts.
        using var launcher = Start(["launch", "--nproc", "2", "--max-restarts", "1", "--", .. newer, "--overwrite"], []);
        var errors = launcher.StandardError.ReadToEndAsync();
        var output = launcher.StandardOutput.ReadToEndAsync();
        SortedDictionary<int, int> workers;
        while (!(workers = WorkersOf(launcher.Id)).ContainsKey(1))
            await Task.Delay(1);
        Assert.True(Directory.Exists(_folder.At("out/checkpoints/step-000004")), "the older run has gone before the rank was killed");
        await KillAsync(workers[1]);
        await launcher.WaitForExitAsync();
        Assert.True(launcher.ExitCode == 0, await errors);
        Assert.Contains("restart 1 of 1 with 2 ranks: ", await errors, StringComparison.Ordinal);
        Assert.DoesNotContain("step-000004", await output, StringComparison.Ordinal);
        Assert.Equal(Losses("whole"), Losses("out"));
        Assert.False(File.Exists(_folder.At("out/.replacing")));
    }

    [FactOnSystem(TestSystems.Linux, "the rank's process is found through /proc")]
    public async Task JobWithFewerRanksAfterEachFailure_TakesTheSameGlobalBatches()
    {
        string[] options = ["train", _folder.Configuration, "--set", "train_batch_size=12", "--set", "steps=300", "--set", "checkpoint.every_steps=10", "--output", _folder.At("out")];
        using var launcher = Start(["launch", "--nproc", "4", "--max-restarts", "3", "--min-nproc", "2", "--", .. options], []);
        var errors = launcher.StandardError.ReadToEndAsync();
        foreach (var (step, ranks) in ((string, int)[])[("step 30/", 4), ("step 80/", 3)])
        {
            await ReadUntilAsync(launcher, step);
            var workers = WorkersOf(launcher.Id);
            Assert.Equal(ranks, workers.Count);
            await KillAsync(workers[ranks - 1]);
        }

        await ReadUntilAsync(launcher, "step 120/");
        Assert.Equal(2, WorkersOf(launcher.Id).Count);
        await launcher.StandardOutput.ReadToEndAsync();
        await launcher.WaitForExitAsync();
        Assert.True(launcher.ExitCode == 0, await errors);
        Assert.Contains("restart 1 of 3 with 3 ranks: ", await errors, StringComparison.Ordinal);
        Assert.Contains("restart 2 of 3 with 2 ranks: ", await errors, StringComparison.Ordinal);
        var lines = File.ReadAllLines(_folder.At("out/metrics.jsonl"));
        Assert.Equal(300, lines.Length);
        (int Step, long Tokens)[] steps = [.. lines.Select(Numbers)];
        Assert.All(steps, (one, step) => Assert.Equal((step, (step + 1) * steps[0].Tokens), one));

        static (int, long) Numbers(string line)
        {
            using var json = JsonDocument.Parse(line);
            return (json.RootElement.GetProperty("step").GetInt32(), json.RootElement.GetProperty("tokens").GetInt64());
        }
    }

    [Theory]
    [InlineData("--max-restarts goes on from checkpoints; set checkpoint.every_steps or checkpoint.every_minutes", "--max-restarts", "1")]
    [InlineData("--min-nproc is 2; expected a whole number from 1 to --nproc, which is 2, together with --max-restarts", "--min-nproc", "2")]
    [InlineData("--max-restarts is -1; expected a whole number, at least 0", "--max-restarts", "-1")]
    public async Task RestartsThatCannotBe_AreRefused(string message, params string[] options)
    {
        var result = await RunAsync(["launch", "--nproc", "2", .. options, "--", "train", _folder.Configuration]);
        Assert.Equal((2, $"error: {message}"), (result.Code, result.Errors.Trim()));
    }

    [Fact]
    public async Task Dump_OfAProcessThatIsNoRank_SaysSo()
    {
        var result = await RunAsync(["doctor", "--dump", $"{Environment.ProcessId}"]);
        Assert.Equal(2, result.Code);
        Assert.StartsWith($"error: --dump {Environment.ProcessId}: ", result.Errors, StringComparison.Ordinal);
    }

    [FactOnSystem(TestSystems.Linux, "the ranks' processes are found through /proc")]
    public async Task LauncherThatIsKilled_LeavesNoWorkerBehind()
    {
        using var launcher = await StartLongRunAsync();
        Assert.Equal(3, WorkersOf(launcher.Id).Count);
        await KillAsync(launcher.Id);
        var clock = Stopwatch.StartNew();
        while (WorkersOf(launcher.Id).Count > 0 && clock.Elapsed < TimeSpan.FromSeconds(5))
            await Task.Delay(50);
        Assert.Empty(WorkersOf(launcher.Id));
    }

    [Fact]
    public async Task RankWithAnotherConfiguration_IsRefusedAtTheStart_NamingTheKey()
    {
        string[] options = ["train", _folder.Configuration];
        var first = RunAsync(options, Rank(0));
        var second = RunAsync([.. options, "--set", "optimizer.params.lr=0.5"], Rank(1));
        foreach (var result in (Result[])[await first, await second])
        {
            Assert.Equal(2, result.Code);
            Assert.Contains("error: rank 1 has 'optimizer.params.lr' 0.5, rank 0 has ", result.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Mistake_IsSaidOnce_BeforeAnyProcessIsStarted()
    {
        var result = await RunAsync(["train", _folder.Configuration, "--processes", "2", "--set", "stepz=1"]);
        Assert.Equal(2, result.Code);
        Assert.Single(result.Errors.Trim().Split('\n'));
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    private (string, string)[] Rank(int rank) =>
        [("RANK", $"{rank}"), ("WORLD_SIZE", "2"), ("NETZERO_RENDEZVOUS_FILE", _folder.At("meeting"))];

    // Wall times differ between runs, so the lines are compared up to them.
    private string[] Losses(string run) =>
        [.. File.ReadLines(_folder.At($"{run}/metrics.jsonl")).Select(line => line[..line.IndexOf("\"tokens_per_second", StringComparison.Ordinal)])];

    private async Task<Process> StartLongRunAsync(params string[] more)
    {
        var launcher = Start(["train", _folder.Configuration, "--processes", "3", "--set", "train_batch_size=3", "--set", "steps=1000000", .. more], []);
        await ReadUntilAsync(launcher, "step 2/");
        _ = launcher.StandardOutput.ReadToEndAsync();
        return launcher;
    }

    private static async Task ReadUntilAsync(Process launcher, string start)
    {
        for (var line = ""; !line.StartsWith(start, StringComparison.Ordinal);)
            line = await launcher.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"The job ended before '{start}'.");
    }

    private static Task KillAsync(int process) => SignalAsync("KILL", process);

    private static async Task SignalAsync(string signal, int process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    // The processes whose environment names the launcher, by rank.
    private static SortedDictionary<int, int> WorkersOf(int launcher)
    {
        var workers = new SortedDictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var process))
                continue;
            try
            {
                var variables = File.ReadAllText(Path.Combine(folder, "environ")).Split('\0');
                if (variables.Contains($"NETZERO_LAUNCHER={launcher}") && Array.Find(variables, v => v.StartsWith("RANK=", StringComparison.Ordinal)) is { } rank)
                    workers[int.Parse(rank[5..], CultureInfo.InvariantCulture)] = process;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended, or is somebody else's.
            }
        }

        return workers;
    }

    private async Task<Result> RunAsync(string[] arguments, params (string Name, string Value)[] variables)
    {
        using var process = Start(arguments, variables);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new Result(process.ExitCode, await output, await errors);
    }

    private Process Start(string[] arguments, (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "netzero.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.FullPath,
        };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        return Child.Start(start);
    }

    private sealed record Result(int Code, string Output, string Errors);
}

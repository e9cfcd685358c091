using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NetZero.Testing;

namespace NetZero.Cli.Tests;

/// <summary>Ranks that others than the launcher start, as the files under <c>samples/launch</c> have it.</summary>
public sealed class StarterTests : IDisposable
{
    private const int Ranks = 2;

    private readonly TemporaryFolder _folder = new();

    public StarterTests() => File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));

    public void Dispose() => _folder.Dispose();

    [FactOnSystem(TestSystems.Unix, "the sample is a shell script")]
    public async Task ByHand_TheScriptStartsAllRanks()
    {
        var tool = _folder.At("netzero");
        File.WriteAllText(tool, $"#!/bin/sh\nexec \"{Dotnet}\" \"{Path.Combine(AppContext.BaseDirectory, "netzero.dll")}\" \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var start = new ProcessStartInfo(Sample("by-hand.sh"), [$"{Ranks}", _folder.Configuration]);
        start.Environment["PATH"] = $"{_folder.FullPath}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["MASTER_PORT"] = FreePort();
        await CheckTrainsAsync(start);
    }

    // What srun sets for the tasks of the sample. The port follows from the job's number: one for each run of this test.
    [Fact]
    public Task Slurm_ItsTasksAreRanks() => CheckTrainsAsync([.. Enumerable.Range(0, Ranks).Select(rank => Rank(
        ("SLURM_JOB_ID", $"{Environment.ProcessId % 10000}"), ("SLURM_STEP_ID", "0"), ("SLURM_PROCID", $"{rank}"), ("SLURM_STEP_NUM_TASKS", $"{Ranks}"),
        ("SLURM_LOCALID", $"{rank}"), ("SLURM_STEP_TASKS_PER_NODE", $"{Ranks}"), ("SLURM_STEP_NUM_NODES", "1")))]);

    [Fact]
    public Task Kubernetes_PodsOfAnIndexedJobAreRanks()
    {
        // The sample sets these two; the index comes from Kubernetes.
        var sample = File.ReadAllText(Sample("kubernetes.yaml"));
        Assert.Contains("- name: WORLD_SIZE\n", sample, StringComparison.Ordinal);
        Assert.Contains("- name: MASTER_PORT\n", sample, StringComparison.Ordinal);
        var port = FreePort();
        return CheckTrainsAsync([.. Enumerable.Range(0, Ranks).Select(rank => Rank(
            ("JOB_COMPLETION_INDEX", $"{rank}"), ("WORLD_SIZE", $"{Ranks}"), ("MASTER_PORT", port)))]);
    }

    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    private ProcessStartInfo Rank(params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(Dotnet, [Path.Combine(AppContext.BaseDirectory, "netzero.dll"), "train", _folder.Configuration]);
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        return start;
    }

    private async Task CheckTrainsAsync(params ProcessStartInfo[] starts)
    {
        var processes = Array.ConvertAll(starts, start =>
        {
            (start.WorkingDirectory, start.RedirectStandardOutput, start.RedirectStandardError) = (_folder.FullPath, true, true);
            return Child.Start(start);
        });
        var outputs = Array.ConvertAll(processes, process => process.StandardOutput.ReadToEndAsync());
        var errors = Array.ConvertAll(processes, process => process.StandardError.ReadToEndAsync());
        foreach (var process in processes)
            await process.WaitForExitAsync();
        for (var i = 0; i < processes.Length; i++)
        {
            Assert.Equal((0, ""), (processes[i].ExitCode, await errors[i]));
            processes[i].Dispose();
        }

        Assert.Contains("step 2/2  loss ", await outputs[0], StringComparison.Ordinal);
        using var memory = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(_folder.At("out/memory.json")));
        Assert.Equal(Ranks, memory.RootElement.GetProperty("ranks").GetArrayLength());
    }

    // One that nobody listens on now; ranks of another job on it would be turned away.
    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"{((IPEndPoint)listener.LocalEndpoint).Port}";
    }

    private static string Sample(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "NetZero.slnx")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"No NetZero.slnx above {AppContext.BaseDirectory}.");
        return Path.Combine(folder.FullName, "samples", "launch", name);
    }
}

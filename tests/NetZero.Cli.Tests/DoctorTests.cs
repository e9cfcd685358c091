using System.Diagnostics;
using System.Text.Json;

namespace NetZero.Cli.Tests;

/// <summary>What the tool says about a machine, as users see it.</summary>
public sealed class DoctorTests
{
    [Fact]
    public async Task Doctor_ReportsTheMachine_AndTimesEveryCollective_OnEveryTransportThatIsThere()
    {
        var (code, output) = await RunAsync("doctor");
        Assert.True(code == 0, output);
        foreach (var word in (string[])["NetZero", "processor", "memory", "disk here", "Open MPI, tried", "MPICH, tried"])
            Assert.Contains($"\n{word} ", $"\n{output}", StringComparison.Ordinal);
        foreach (var transport in (string[])["threads", "shared-memory"])
        {
            var line = Assert.Single(output.Split('\n'), line => line.StartsWith(transport + " ", StringComparison.Ordinal));
            foreach (var operation in (string[])["AllReduce", "AllGather", "ReduceScatter", "Broadcast", "AllToAll", "Send", "AllReduceScalars", "Barrier"])
                Assert.Matches($@" {operation} \d", line);
        }
    }

    [Fact]
    public async Task Env_SaysTheSameInShort_AsJsonToo()
    {
        var (code, output) = await RunAsync("env", "--json");
        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        Assert.Contains($"{Environment.ProcessorCount} cores", json.RootElement.GetProperty("processor").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(json.RootElement.GetProperty("MPICH").GetString()!);
    }

    private static async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "netzero.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
        };
        using var process = Child.Start(start);
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}

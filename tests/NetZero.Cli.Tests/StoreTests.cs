using System.Diagnostics;
using System.Text.Json;
using NetZero.Checkpoints;
using NetZero.Testing;

namespace NetZero.Cli.Tests;

/// <summary>The tool with an object store: killed while it sends, gone on with, looked at.</summary>
public sealed class StoreTests : IDisposable
{
    private const string Place = "s3://bucket/a";

    private readonly TemporaryFolder _folder = new();
    private readonly FakeS3 _server = new();

    public StoreTests() => File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("--ranks")]
    [InlineData("--processes")]
    public async Task KilledWhileItSends_TheStoreHasNoHalfCheckpoint_AndResumeSendsIt(string ranks)
    {
        string[] arguments = ["train", _folder.Configuration, ranks, "2", "--resume", "--set", $"checkpoint={{\"every_steps\": 2, \"async\": true, \"store\": \"{Place}\"}}"];

        // The first checkpoint arrives. Of the second, one file does; the other one's answer never comes.
        using var sending = new SemaphoreSlim(0);
        _server.Faults = request =>
        {
            if (!request.StartsWith("PUT a/step-000004/rank-00001.safetensors", StringComparison.Ordinal))
                return Fault.None;
            sending.Release();
            return Fault.Hang;
        };
        using (var process = Start([.. arguments, "--set", "steps=4"]))
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            Assert.True(await sending.WaitAsync(TimeSpan.FromMinutes(2)), "nothing was sent");
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            Assert.Contains("-> s3://bucket/a/step-000002\n", await output, StringComparison.Ordinal);
        }

        Assert.Contains("a/step-000004/rank-00000.safetensors", _server.Objects.Keys);
        Assert.DoesNotContain("a/step-000004/checkpoint.json", _server.Objects.Keys);
        Assert.Equal([4L, 2], new CheckpointFolder(_folder.At("out/checkpoints")).Steps());

        // No step is left, but the store lacks what it was to have.
        _server.Faults = _ => Fault.None;
        var text = await RunAsync([.. arguments, "--set", "steps=4"]);
        Assert.Contains($"resume  {_folder.At("out/checkpoints/step-000004")}, 4 steps behind it\n", text, StringComparison.Ordinal);
        Assert.Contains("-> s3://bucket/a/step-000004\n", text, StringComparison.Ordinal);
        Assert.Equal(0, _server.OpenUploads);

        // What is there is what is here, whole and readable in place.
        Assert.Equal(["step-000004  sound", "step-000002  sound"], (await RunAsync(["checkpoint", "verify", Place])).TrimEnd().Split('\n').Select(line => line[..18]));
        Assert.Contains("tensors are equal, bit for bit", await RunAsync(["checkpoint", "diff", Place, _folder.At("out")]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verbs_TakePlacesInAStore()
    {
        await RunAsync(["train", _folder.Configuration, "--set", $"checkpoint={{\"every_steps\": 1, \"store\": \"{Place}\"}}"]);
        using (var list = JsonDocument.Parse(await RunAsync(["checkpoint", "list", Place, "--json"])))
        {
            Assert.Equal(
                [$"{Place}/step-000002 2 2026-01-02T03:04:05Z", $"{Place}/step-000001 1 2026-01-02T03:04:05Z"],
                list.RootElement.GetProperty("checkpoints").EnumerateArray().Select(c => $"{c.GetProperty("path").GetString()} {c.GetProperty("step").GetInt32()} {c.GetProperty("saved").GetString()}"));
        }

        Assert.StartsWith($"path    {Place}/step-000001\nstep    1;", await RunAsync(["checkpoint", "inspect", $"{Place}/step-000001"]), StringComparison.Ordinal);
        await RunAsync(["checkpoint", "export", Place, _folder.At("exported")]);
        Assert.Equal(File.ReadAllBytes(_folder.At("out/model/model.safetensors")), File.ReadAllBytes(_folder.At("exported/model.safetensors")));
        Assert.Equal($"removed {Place}/step-000001\n1 of 2 stay\n", await RunAsync(["checkpoint", "prune", Place, "--keep-last", "1"]));
        Assert.DoesNotContain(_server.Objects.Keys, key => key.Contains("step-000001", StringComparison.Ordinal));

        // The first block after the header is not what was saved.
        var bytes = _server.Objects["a/step-000002/rank-00000.safetensors"];
        bytes[^1] ^= 1;
        var (code, _, errors) = await TryAsync(["checkpoint", "verify", Place]);
        Assert.Equal(3, code);
        Assert.StartsWith($"error: {Place}/step-000002/rank-00000.safetensors: tensor '", errors, StringComparison.Ordinal);
        (code, _, errors) = await TryAsync(["checkpoint", "inspect", "s3://bucket/b"]);
        Assert.Equal((2, "error: 's3://bucket/b': no checkpoints are there\n"), (code, errors));
        (code, _, errors) = await TryAsync(["train", _folder.Configuration, "--resume", Place, "--output", _folder.At("other")]);
        Assert.Equal(3, code);
        Assert.Matches("^error: s3://bucket/a/step-000002/rank-00000.safetensors: tensor '.*these bytes are not those that were saved\n$", errors);
    }

    private async Task<string> RunAsync(string[] arguments)
    {
        var (code, text, errors) = await TryAsync(arguments);
        Assert.True(code == 0, errors + text);
        return text;
    }

    private async Task<(int Code, string Out, string Errors)> TryAsync(string[] arguments)
    {
        using var process = Start(arguments);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }

    private Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "netzero.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.FullPath,
        };
        foreach (var (name, value) in _server.Environment)
            start.Environment[name] = value;
        return Child.Start(start);
    }
}

using System.Diagnostics;

namespace NetZero.Cli.Tests;

/// <summary>Ranks that were started with other things under the same names are refused at the start, as when machines have files of their own.</summary>
public sealed class AgreementTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public AgreementTests()
    {
        foreach (var rank in (int[])[0, 1])
        {
            Directory.CreateDirectory(_folder.At($"{rank}"));
            File.WriteAllText(_folder.At($"{rank}/text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AnotherText_IsRefused()
    {
        var text = File.ReadAllText(_folder.At("1/text.txt"));
        File.WriteAllText(_folder.At("1/text.txt"), text[..^2] + "!\n");
        await CheckRefusedAsync(@"rank 1 has a training text with digest [0-9a-f]{16} \(18890 tokens\), rank 0 has [0-9a-f]{16} \(18890 tokens\)", [], []);
    }

    [Fact]
    public async Task AnotherModel_IsRefused()
    {
        var terminal = new StringTerminal();
        Assert.Equal(0, await new Tool(terminal, Engines.Real).RunAsync(["train", _folder.Configuration, "--set", $"data.train={_folder.At("0/text.txt")}"]));
        foreach (var rank in (int[])[0, 1])
        {
            Directory.CreateDirectory(_folder.At($"{rank}/start"));
            foreach (var file in (string[])["config.json", "model.safetensors"])
                File.Copy(_folder.At($"out/model/{file}"), _folder.At($"{rank}/start/{file}"));
        }

        // The sign of the last weight of the last tensor.
        var weights = File.ReadAllBytes(_folder.At("1/start/model.safetensors"));
        weights[^1] ^= 0x80;
        File.WriteAllBytes(_folder.At("1/start/model.safetensors"), weights);

        string[] start = ["--set", "init_from=start", "--overwrite"];
        await CheckRefusedAsync(@"rank 1 has a model in 'init_from' with digest [0-9a-f]{16}, rank 0 has [0-9a-f]{16}", start, start);
    }

    [Fact]
    public Task TraceOnOneRankAlone_IsRefused() => CheckRefusedAsync("rank 1 has --trace off, rank 0 has on", ["--trace"], []);

    private async Task CheckRefusedAsync(string message, string[] first, string[] second)
    {
        using var rank0 = Start(0, first);
        using var rank1 = Start(1, second);
        foreach (var rank in (Process[])[rank0, rank1])
        {
            var (output, errors) = (rank.StandardOutput.ReadToEndAsync(), rank.StandardError.ReadToEndAsync());
            await rank.WaitForExitAsync();
            await output;
            Assert.Matches($"^error: {message}", await errors);
            Assert.Equal(2, rank.ExitCode);
        }
    }

    private Process Start(int rank, string[] arguments)
    {
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "netzero.dll"), "train", _folder.Configuration, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.At($"{rank}"),
        };
        start.Environment["RANK"] = $"{rank}";
        start.Environment["WORLD_SIZE"] = "2";
        start.Environment["NETZERO_RENDEZVOUS_FILE"] = _folder.At("meeting");
        return Child.Start(start);
    }
}

using System.Text;
using NetZero.Checkpoints;

namespace NetZero.Cli.Tests;

/// <summary>A run whose only checkpoint is damaged in some way: training does not begin, the damage is one line, the exit code is 3, and the run is as it was.</summary>
public sealed class DamagedRunTests : IDisposable
{
    private static readonly string[] Names = ["checkpoint.json", "rank-00000.safetensors", "rank-00001.safetensors"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a bit of the manifest", "checkpoint.json: ")]
    [InlineData("a bit of a header", "rank-00001.safetensors: the header has checksum ")]
    [InlineData("a bit of a tensor", "rank-00001.safetensors: tensor '")]
    [InlineData("the end of the manifest", "checkpoint.json: does not end with its checksum")]
    [InlineData("the end of a file", "rank-00000.safetensors: has ")]
    [InlineData("files of two ranks, swapped", "rank-0000")]
    [InlineData("no file of a rank", "the file rank-00001.safetensors is missing")]
    [InlineData("no manifest", "has no checkpoint.json")]
    [InlineData("a file too many", "holds rank-00002.safetensors, which does not belong to it")]
    [InlineData("a file of another run", "rank-00000.safetensors: ")]
    [InlineData("a newer version", "has version 2 of the format, this library reads versions up to 1; use a newer one")]
    public async Task IsNamed_BeforeTrainingStarts_WithCode3(string damage, string problem)
    {
        File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 500).Select(i => $"line {i}\n")));
        var (code, errors) = await TrainAsync("out", "steps=2");
        Assert.Equal((0, ""), (code, errors));
        if (damage == "a file of another run")
            await TrainAsync("other", "steps=2", "seed=5");
        var checkpoint = _folder.At("out/checkpoints/step-000002");
        Do(damage, checkpoint);
        var before = Contents();

        (code, errors) = await TrainAsync("out", "steps=4", "--resume");
        Assert.Equal(3, code);
        Assert.Contains(problem, Assert.Single(errors.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(before, Contents());
    }

    private void Do(string damage, string checkpoint)
    {
        var (manifest, first, second) = (Path.Combine(checkpoint, Names[0]), Path.Combine(checkpoint, Names[1]), Path.Combine(checkpoint, Names[2]));
        switch (damage)
        {
            case "a bit of the manifest":
                Change(manifest, bytes => Flip(bytes, 60));
                break;
            case "a bit of a header":
                Change(second, bytes => Flip(bytes, 60));
                break;
            case "a bit of a tensor":
                Change(second, bytes => Flip(bytes, bytes.Length - 1));
                break;
            case "the end of the manifest":
                Change(manifest, bytes => bytes[..^20]);
                break;
            case "the end of a file":
                Change(first, bytes => bytes[..^1]);
                break;
            case "files of two ranks, swapped":
                var (left, right) = (File.ReadAllBytes(first), File.ReadAllBytes(second));
                File.WriteAllBytes(first, right);
                File.WriteAllBytes(second, left);
                break;
            case "no file of a rank":
                File.Delete(second);
                break;
            case "no manifest":
                File.Delete(manifest);
                break;
            case "a file too many":
                File.Copy(first, Path.Combine(checkpoint, "rank-00002.safetensors"));
                break;
            case "a file of another run":
                File.Copy(Path.Combine(_folder.At("other/checkpoints/step-000002"), Names[1]), first, overwrite: true);
                break;
            case "a newer version":
                Change(manifest, NextVersion);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(damage), damage, null);
        }
    }

    // As a newer library would write it: sound, with a checksum that holds.
    private static byte[] NextVersion(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes).Replace("\"version\":1", "\"version\":2", StringComparison.Ordinal);
        var body = text[..^"00000000\"}\n".Length];
        return Encoding.UTF8.GetBytes($"{body}{Crc32C.Of(Encoding.UTF8.GetBytes(body)):x8}\"}}\n");
    }

    private static byte[] Flip(byte[] bytes, int at)
    {
        bytes[at] ^= 1;
        return bytes;
    }

    private static void Change(string path, Func<byte[], byte[]> change) => File.WriteAllBytes(path, change(File.ReadAllBytes(path)));

    private string[] Contents() =>
    [
        .. Directory.EnumerateFiles(_folder.At("out"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => $"{path} {Crc32C.Of(File.ReadAllBytes(path)):x8}"),
    ];

    private async Task<(int Code, string Errors)> TrainAsync(string output, params string[] settings)
    {
        var terminal = new StringTerminal();
        var code = await new Tool(terminal, Engines.Real).RunAsync(
        [
            "train", _folder.Configuration, "--output", _folder.At(output), "--ranks", "2", "--set", $"data.train={_folder.At("text.txt")}", "--set", "threads_per_rank=1",
            "--set", "zero_optimization.stage=3", "--set", "checkpoint.every_steps=2", .. settings.SelectMany(s => s.StartsWith("--", StringComparison.Ordinal) ? [s] : (string[])["--set", s]),
        ]);
        return (code, terminal.Errors);
    }
}

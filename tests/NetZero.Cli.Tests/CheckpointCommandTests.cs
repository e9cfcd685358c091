using System.Text.Json;
using NetZero.Checkpoints;
using NetZero.Training;

namespace NetZero.Cli.Tests;

/// <summary>The verbs of <c>netzero checkpoint</c> on a run of three checkpoints, saved by two ranks at stage 3.</summary>
public sealed class CheckpointCommandTests(CheckpointCommandTests.Saved saved) : IClassFixture<CheckpointCommandTests.Saved>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public sealed class Saved : IAsyncLifetime
    {
        private readonly TemporaryFolder _folder = new();

        public string Run => _folder.At("out");

        public CheckpointFolder Checkpoints => new(Path.Combine(Run, "checkpoints"));

        public async Task InitializeAsync()
        {
            File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 500).Select(i => $"line {i}\n")));
            await TrainAsync("out", 2, 3, "steps=6");
        }

        public Task DisposeAsync()
        {
            _folder.Dispose();
            return Task.CompletedTask;
        }

        public string At(string name) => _folder.At(name);

        public Task TrainAsync(string output, int ranks, int stage, params string[] overrides) => Trainer.RunAsync(
            RunConfiguration.Load(
                _folder.Configuration,
                [
                    $"data.train={_folder.At("text.txt")}", $"ranks={ranks}", $"zero_optimization.stage={stage}", "threads_per_rank=1", "checkpoint.every_steps=2",
                    $"output_dir={_folder.At(output)}", .. overrides,
                ]),
            new TrainingOptions(), new Silent());

        private sealed class Silent : ITrainingObserver;
    }

    private static async Task<(int Code, string Out, string Errors)> RunAsync(params string[] arguments)
    {
        var terminal = new StringTerminal();
        var code = await new Tool(terminal, Reports.Engines).RunAsync(["checkpoint", .. arguments]);
        return (code, terminal.Written, terminal.Errors);
    }

    private static async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        var (code, text, errors) = await RunAsync([.. arguments, "--json"]);
        Assert.Equal((0, ""), (code, errors));
        return JsonDocument.Parse(text).RootElement;
    }

    [Fact]
    public async Task List_HasARowForEachCheckpoint_NewestFirst_DamagedOnesIncluded()
    {
        var copy = Copy();
        File.WriteAllText(Path.Combine(copy.Of(4), "checkpoint.json"), "");
        var (code, text, _) = await RunAsync("list", copy.FullPath);

        Assert.Equal(0, code);
        var rows = text.Split('\n').Where(line => line.Contains("step-", StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, rows.Length);
        Assert.Contains("| step-000006 |    6 | 1.38 MiB | 2     |     3 |", rows[0], StringComparison.Ordinal);
        Assert.Contains("damaged: ", rows[1], StringComparison.Ordinal);
        var json = (await JsonAsync("list", saved.Run)).GetProperty("checkpoints");
        Assert.Equal([6, 4, 2], json.EnumerateArray().Select(c => c.GetProperty("step").GetInt32()));
    }

    [Fact]
    public async Task Inspect_SaysWhatIsInIt_WithoutReadingATensor()
    {
        // A file of the right length is enough.
        var copy = Copy();
        foreach (var path in Directory.EnumerateFiles(copy.Of(6), "*.safetensors"))
            File.WriteAllBytes(path, new byte[new FileInfo(path).Length]);
        var (code, text, _) = await RunAsync("inspect", copy.FullPath, "--tensors");

        Assert.Equal(0, code);
        Assert.Contains("step    6; format 1, NetZero ", text, StringComparison.Ordinal);
        Assert.Contains("; saved by 2 ranks at stage 3\n", text, StringComparison.Ordinal);
        Assert.Contains("optimizer exp_avg_sq: 28 tensors, 120,576 elements, 471 KiB\n", text, StringComparison.Ordinal);
        Assert.Contains("| wte.weight ", text, StringComparison.Ordinal);
        var json = await JsonAsync("inspect", saved.Checkpoints.Of(4), "--tensors");
        Assert.Equal((4, 84, 32), (json.GetProperty("step").GetInt32(), json.GetProperty("contents").GetArrayLength(), json.GetProperty("samples").GetInt32()));
        Assert.Equal(3 * 4 * 120_576, json.GetProperty("state_bytes").GetInt64());
        Assert.InRange(json.GetProperty("file_bytes").GetInt64(), 3 * 4 * 120_576, 3 * 4 * 120_576 * 1.02);
    }

    [Fact]
    public async Task Verify_IsCode3_AndNamesEveryDamage()
    {
        var (code, text, errors) = await RunAsync("verify", saved.Run);
        Assert.Equal((0, ""), (code, errors));
        Assert.Equal(3, text.Split('\n').Count(line => line.Contains("  sound  1.38 MiB in ", StringComparison.Ordinal)));

        var copy = Copy();
        foreach (var path in Directory.EnumerateFiles(copy.Of(4), "*.safetensors"))
            Flip(path);
        (code, text, errors) = await RunAsync("verify", copy.FullPath);
        Assert.Equal(3, code);
        Assert.Contains("step-000004  damaged\n", text, StringComparison.Ordinal);
        Assert.Contains("step-000002  sound  ", text, StringComparison.Ordinal);
        Assert.Equal(2, errors.Split('\n').Count(line => line.StartsWith("error: ", StringComparison.Ordinal)));
        (code, text, _) = await RunAsync("verify", copy.Of(4), "--json");
        Assert.Equal(3, code);
        Assert.False(JsonDocument.Parse(text).RootElement.GetProperty("sound").GetBoolean());
    }

    [Fact]
    public async Task Diff_ComparesTensors_WhateverWorldsSavedThem()
    {
        Assert.Contains("all 84 tensors are equal, bit for bit", (await RunAsync("diff", saved.Run, saved.Checkpoints.Of(6))).Out, StringComparison.Ordinal);
        await saved.TrainAsync("stage1", 2, 1, "steps=2");
        Assert.True((await JsonAsync("diff", saved.Checkpoints.Of(2), saved.At("stage1"))).GetProperty("equal").GetBoolean());

        var json = await JsonAsync("diff", saved.Checkpoints.Of(2), saved.Checkpoints.Of(4));
        Assert.Equal((false, 84), (json.GetProperty("equal").GetBoolean(), json.GetProperty("differences").GetArrayLength()));
        await saved.TrainAsync("sgd", 1, 0, "steps=2", "optimizer={\"type\": \"SGD\"}");
        var (_, text, _) = await RunAsync("diff", saved.Checkpoints.Of(2), saved.At("sgd"));
        Assert.Contains("only in the first", text, StringComparison.Ordinal);
        Assert.Matches("\\| wte.weight +\\| parameter \\| +16,384 \\| +[0-9,]+ \\| +[0-9]+ \\| +[0-9.]+e-[0-9] \\|", text);
    }

    [Theory]
    [InlineData("5GB", 1)]
    [InlineData("200KB", 3)]
    public async Task Export_IsTheModelThatTheRunSaved_AndImportBringsItBack(string size, int files)
    {
        var folder = _folder.At("model");
        var (code, _, errors) = await RunAsync("export", saved.Run, folder, "--max-shard-size", size);
        Assert.Equal((0, ""), (code, errors));
        Assert.Equal(files, Directory.GetFiles(folder, "*.safetensors").Length);
        Assert.Equal(files > 1, File.Exists(Path.Combine(folder, "model.safetensors.index.json")));
        if (files == 1)
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(saved.Run, "model")))
                Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(folder, Path.GetFileName(file))));
        }

        using (var read = HuggingFaceFolder.Open(folder))
            Assert.Equal(28, read.Tensors.Count);
        var imported = (await JsonAsync("import", folder, _folder.At("imported"))).GetProperty("checkpoint").GetString()!;
        var differences = (await JsonAsync("diff", imported, saved.Run)).GetProperty("differences").EnumerateArray().ToArray();
        Assert.All(differences, d => Assert.Equal(("optimizer", "only in the second"), (d.GetProperty("kind").GetString(), d.GetProperty("problem").GetString())));
        (code, _, errors) = await RunAsync("export", imported, _folder.At("again"), "--max-shard-size", size);
        Assert.Equal((0, ""), (code, errors));
        foreach (var file in Directory.EnumerateFiles(folder, "model*"))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(_folder.At("again"), Path.GetFileName(file))));
    }

    [Fact]
    public async Task TrainingFromAnImportedCheckpoint_EqualsTrainingFromTheFolder()
    {
        await RunAsync("export", saved.Run, _folder.At("model"));
        await RunAsync("import", _folder.At("model"), _folder.At("imported"));
        await saved.TrainAsync("folder", 2, 3, "steps=2", $"init_from={_folder.At("model")}");
        var run = RunConfiguration.Load(
            _folder.Configuration,
            [$"data.train={saved.At("text.txt")}", "ranks=2", "zero_optimization.stage=3", "threads_per_rank=1", "checkpoint.every_steps=2", $"output_dir={_folder.At("out")}"]);
        var summary = await Trainer.RunAsync(run, new TrainingOptions { Resume = _folder.At("imported") }, new Silent());

        Assert.Equal((0, 2), (summary.ResumedFrom!.Value, summary.StepsDone));
        Assert.True((await JsonAsync("diff", _folder.At("out"), saved.At("folder"))).GetProperty("equal").GetBoolean());
    }

    [Fact]
    public async Task Prune_KeepsTheNewest_AndSaysWhatGoes()
    {
        var copy = Copy();
        Assert.Contains($"would remove {copy.Of(2)}", (await RunAsync("prune", copy.FullPath, "--keep-last", "2", "--dry-run")).Out, StringComparison.Ordinal);
        Assert.Equal([6, 4, 2], copy.Steps());
        var json = await JsonAsync("prune", copy.FullPath, "--keep-last", "1");
        Assert.Equal((2, 1), (json.GetProperty("removed").GetArrayLength(), json.GetProperty("kept").GetInt32()));
        Assert.Equal([6], copy.Steps());
    }

    [Theory]
    [InlineData(2, "there is no such folder", "inspect", "MISSING")]
    [InlineData(2, "is no checkpoint and holds none", "list", "EMPTY")]
    [InlineData(2, "expected whole numbers, the first at least 1", "prune", "RUN", "--keep-last", "0")]
    [InlineData(2, "is one checkpoint; name the folder around it", "prune", "RUN/checkpoints/step-000002", "--keep-last", "1")]
    [InlineData(2, "--max-shard-size is 'much'", "export", "RUN", "EMPTY", "--max-shard-size", "much")]
    [InlineData(2, "holds a model already", "export", "RUN", "RUN/model")]
    [InlineData(2, "has no config.json", "import", "EMPTY", "EMPTY/x")]
    [InlineData(2, "holds checkpoints already", "import", "RUN/model", "RUN/checkpoints")]
    public async Task Mistake_IsOneLine(int expected, string problem, params string[] arguments)
    {
        Directory.CreateDirectory(_folder.At("empty"));
        var (code, text, errors) = await RunAsync(
            [.. arguments.Select(a => a.Replace("RUN", saved.Run, StringComparison.Ordinal).Replace("EMPTY", _folder.At("empty"), StringComparison.Ordinal).Replace("MISSING", _folder.At("missing"), StringComparison.Ordinal))]);
        Assert.Equal((expected, ""), (code, text));
        Assert.Contains(problem, Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.At("empty")));
    }

    private CheckpointFolder Copy()
    {
        foreach (var path in Directory.EnumerateFiles(saved.Checkpoints.FullPath, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(_folder.At("copy"), Path.GetRelativePath(saved.Checkpoints.FullPath, path));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(path, copy);
        }

        return new CheckpointFolder(_folder.At("copy"));
    }

    private static void Flip(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private sealed class Silent : ITrainingObserver;
}

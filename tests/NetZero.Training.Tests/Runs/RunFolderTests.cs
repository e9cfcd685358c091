using NetZero.Checkpoints;
using NetZero.Testing;

namespace NetZero.Training.Tests;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string[] Everything() => [.. Directory.EnumerateFileSystemEntries(_folder.FullPath, "*", SearchOption.AllDirectories)];

    private string WriteRun()
    {
        _folder.Write("run/config.json", Configurations.Parse().ToJson());
        _folder.Write("run/metrics.jsonl", "old");
        return _folder.At("run");
    }

    [Fact]
    public void Check_LeavesNoTrace()
    {
        RunFolder.Check(_folder.At("a/b/c"), overwrite: false);

        Assert.Empty(Everything());
    }

    [Fact]
    public void Begin_MakesTheFolderWithTheMergedConfiguration()
    {
        var configuration = Configurations.Parse("seed=9");
        var run = RunFolder.Check(_folder.At("a/b"), overwrite: false);
        run.Begin(configuration);

        Assert.Equal([_folder.At("a"), _folder.At("a/b"), _folder.At("a/b/config.json"), _folder.At("a/b/metrics.jsonl")], Everything().Order());
        Assert.Equal(configuration.ToJson(), RunConfiguration.Load(_folder.At("a/b/config.json")).ToJson());
    }

    [Fact]
    public void RunThatWasKilledWhileItBegan_CanBeTakenUp_AndOneThatGoesOnNeverHasHalfAConfiguration()
    {
        // Between its metrics and its configuration.
        _folder.Write("run/config.json.tmp", Configurations.Parse().ToJson());
        _folder.Write("run/metrics.jsonl", "");
        Assert.True(RunFolder.HoldsRun(_folder.At("run")));
        RunFolder.Check(_folder.At("run"), overwrite: true).Begin(Configurations.Parse("seed=9"));
        Assert.Equal(["config.json", "metrics.jsonl"], Directory.EnumerateFiles(_folder.At("run")).Select(Path.GetFileName).Order());

        // While it went on: what is under the temporary name is cut off.
        _folder.Write("run/config.json.tmp", "{ \"train_ba");
        Assert.True(RunFolder.HoldsRun(_folder.At("run")));
        RunFolder.Check(_folder.At("run"), overwrite: true).Continue(Configurations.Parse("seed=8"));
        Assert.Equal(8, RunConfiguration.Load(_folder.At("run/config.json")).Seed);
        Assert.False(File.Exists(_folder.At("run/config.json.tmp")));
    }

    [Fact]
    public void FolderThatHoldsARun_IsRefused()
    {
        var path = WriteRun();

        Assert.Equal(
            $"output folder '{path}' already holds a run; choose another with --output, or replace it with --overwrite",
            Assert.Throws<ConfigurationException>(() => RunFolder.Check(path, overwrite: false)).Message);
    }

    [Fact]
    public void Overwrite_RemovesTheRunsFilesOnly_AndNotBeforeTheRunBegins()
    {
        WriteRun();
        foreach (var name in (string[])["memory.json", "trace.json", "model/config.json", "model/model.safetensors", "model/netzero_tokenizer.json"])
            _folder.Write($"run/{name}", "old");
        _folder.Write("run/notes.txt", "mine");

        var run = RunFolder.Check(_folder.At("run"), overwrite: true);
        Assert.Equal("old", File.ReadAllText(run.MetricsPath));

        run.Begin(Configurations.Parse());
        Assert.Equal([_folder.At("run"), _folder.At("run/config.json"), _folder.At("run/metrics.jsonl"), _folder.At("run/notes.txt")], Everything().Order());
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("config.json.tmp")]
    [InlineData("")]
    public void RunThatIsKilledWhileItReplacesAnother_AtAnyPoint_CanBeBegunAgain_OrTheOtherGoesOn(string configuration)
    {
        var points = int.MaxValue;
        for (var point = 0; point <= points; point++)
        {
            var path = _folder.At($"run {point}");
            var run = RunFolder.Check(WriteWholeRun(path, configuration), overwrite: true);
            var changes = run.Replacing(Configurations.Parse("seed=9")).Take(point).ToList();
            points = changes.Count < point ? changes.Count : int.MaxValue;

            // What it left is a run's folder. The other run goes on from its newest checkpoint, with its metrics and without results in
            // the way, or the new one begins.
            var checkpoints = new CheckpointFolder(run.CheckpointsPath).Steps();
            Assert.True(!File.Exists(run.MetricsPath) || RunFolder.HoldsRun(path), $"after {point} changes");
            if (checkpoints.Count > 0)
                Assert.Equal((4, "old"), ((int)checkpoints[0], File.ReadAllText(run.MetricsPath)));
            else
                Assert.Empty(run.Results());
            var options = new TrainingOptions { Resume = "auto" };
            Assert.Equal(path, RunFolder.Check(Configurations.Parse($"output_dir={path}"), options).FullPath);

            RunFolder.Check(path, overwrite: true).Begin(Configurations.Parse("seed=8"));
            Assert.Equal(8, RunConfiguration.Load(Path.Combine(path, "config.json")).Seed);
            Assert.Equal("", File.ReadAllText(run.MetricsPath));
            string[] mine = configuration.Length > 0 ? ["checkpoints", "checkpoints/mine.txt"] : [];
            Assert.Equal(
                [.. mine, "config.json", "metrics.jsonl", "notes.txt"],
                Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories)
                    .Select(p => Path.GetRelativePath(path, p).Replace('\\', '/')).Order(StringComparer.Ordinal));
        }

        // Every file and folder of a run went by itself.
        Assert.InRange(points, configuration.Length > 0 ? 18 : 4, 30);
    }

    // A run with everything that it may have written, and two files of somebody else; nothing but these where there is no configuration.
    private string WriteWholeRun(string path, string configuration)
    {
        _folder.Write($"{path}/notes.txt", "mine");
        _folder.Write($"{path}/checkpoints/mine.txt", "mine");
        if (configuration.Length == 0)
        {
            Directory.Delete(Path.Combine(path, "checkpoints"), recursive: true);
            return path;
        }

        _folder.Write($"{path}/{configuration}", Configurations.Parse().ToJson());
        foreach (var name in (string[])
        [
            "metrics.jsonl", "memory.json", "trace.json", "model/config.json", "model/model.safetensors", "model/netzero_tokenizer.json",
            "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "checkpoints/latest",
            "checkpoints/step-000002/checkpoint.json", "checkpoints/step-000004/checkpoint.json",
            "checkpoints/aside-step-000003/checkpoint.json", "checkpoints/.step-000001.removed/x", "checkpoints/.step-000005.partial/x",
        ])
        {
            _folder.Write($"{path}/{name}", "old");
        }

        return path;
    }

    [Fact]
    public void Overwrite_LeavesStrangeFilesInTheModelsFolder()
    {
        WriteRun();
        _folder.Write("run/model/model.safetensors", "old");
        _folder.Write("run/model/vocab.json", "mine");

        RunFolder.Check(_folder.At("run"), overwrite: true).Begin(Configurations.Parse());

        Assert.Equal([_folder.At("run/model/vocab.json")], Directory.EnumerateFileSystemEntries(_folder.At("run/model")));
    }

    [Theory]
    [InlineData("metrics.jsonl", false)]
    [InlineData("config.json", true)]
    [InlineData("memory.json", true)]
    [InlineData("trace.json", false)]
    [InlineData("model", true)]
    [InlineData("model/thesis.docx", true)]
    public void FilesThatNoRunWrote_AreRefused_AndStay(string name, bool overwrite)
    {
        _folder.Write($"home/{name}", """{ "model_type": "gpt2" }""");

        var error = Assert.Throws<ConfigurationException>(() => RunFolder.Check(_folder.At("home"), overwrite));

        Assert.StartsWith($"output folder '{_folder.At("home")}' holds {name.Split('/')[0]}, but not as a run", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.True(File.Exists(_folder.At($"home/{name}")));
    }

    [Fact]
    public void MetricsBesideAModelsConfiguration_AreNoRun()
    {
        _folder.Write("model/metrics.jsonl", "");
        _folder.Write("model/config.json", """{ "model_type": "gpt2" }""");

        Assert.Throws<ConfigurationException>(() => RunFolder.Check(_folder.At("model"), overwrite: true));
    }

    [Fact]
    public void FolderThatIsFilledAfterTheCheck_IsNotEmptied()
    {
        var run = RunFolder.Check(_folder.At("run"), overwrite: true);
        _folder.Write("run/model/model.safetensors", "mine");

        Assert.Throws<ConfigurationException>(() => run.Begin(Configurations.Parse()));
        Assert.True(File.Exists(_folder.At("run/model/model.safetensors")));
    }

    [Theory]
    [InlineData("run", false)]
    [InlineData("run/", true)]
    [InlineData("run/model", true)]
    [InlineData("run/../run/model/deeper", true)]
    public void RunThatStartsFromItsOwnOutput_IsRefused(string start, bool overwrite)
    {
        WriteRun();
        var run = Configurations.Parse($"output_dir={_folder.At("run")}") with { InitFrom = _folder.At(start) };

        Assert.Equal(
            $"'init_from' '{_folder.At(start)}' lies in the output folder '{_folder.At("run")}', which the run writes to; choose another with --output",
            Assert.Throws<ConfigurationException>(() => RunFolder.Check(run, overwrite)).Message);
    }

    [Fact]
    public void RunThatStartsFromANeighbour_IsFine()
    {
        var run = Configurations.Parse($"output_dir={_folder.At("run")}") with { InitFrom = _folder.At("run2/model") };

        Assert.Equal(_folder.At("run"), RunFolder.Check(run, overwrite: false).FullPath);
    }

    [Theory]
    [InlineData("file")]
    [InlineData("file/below")]
    public void PathThroughAFile_IsNotWritable(string name)
    {
        _folder.Write("file", "x");

        var error = Assert.Throws<ConfigurationException>(() => RunFolder.Check(_folder.At(name), overwrite: false));

        Assert.Equal($"output folder '{_folder.At(name)}' is not writable: '{_folder.At("file")}' is a file", error.Message);
    }

    // /proc refuses new files whoever asks, even a superuser whom permissions do not stop.
    [FactOnSystem(TestSystems.Linux, "elsewhere there is no /proc")]
    public void FolderThatRefusesFiles_IsNotWritable()
    {
        var error = Assert.Throws<ConfigurationException>(() => RunFolder.Check("/proc/netzero", overwrite: false));
        Assert.Equal("output folder '/proc/netzero' is not writable: no file can be made in '/proc'", error.Message);
    }

    [Fact]
    public void ConfigurationFolder_IsTheOneToCheck()
    {
        var run = RunFolder.Check(Configurations.Parse($"output_dir={_folder.At("x")}"), overwrite: false);

        Assert.Equal(_folder.At("x"), run.FullPath);
    }
}

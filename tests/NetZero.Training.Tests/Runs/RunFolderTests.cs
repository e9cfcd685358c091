namespace NetZero.Training.Tests;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string[] Everything() => [.. Directory.EnumerateFileSystemEntries(_folder.FullPath, "*", SearchOption.AllDirectories)];

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

        Assert.Equal([_folder.At("a"), _folder.At("a/b"), _folder.At("a/b/config.json")], Everything().Order());
        Assert.Equal(configuration.ToJson(), RunConfiguration.Load(_folder.At("a/b/config.json")).ToJson());
    }

    [Fact]
    public void FolderThatHoldsARun_IsRefused()
    {
        _folder.Write("run/metrics.jsonl", "");
        var path = _folder.At("run");

        Assert.Equal(
            $"output folder '{path}' already holds a run; choose another with --output, or replace it with --overwrite",
            Assert.Throws<ConfigurationException>(() => RunFolder.Check(path, overwrite: false)).Message);
    }

    [Fact]
    public void Overwrite_RemovesTheRunsFilesOnly_AndNotBeforeTheRunBegins()
    {
        foreach (var name in (string[])["metrics.jsonl", "memory.json", "trace.json", "config.json", "model/model.safetensors"])
            _folder.Write($"run/{name}", "old");
        _folder.Write("run/notes.txt", "mine");

        var run = RunFolder.Check(_folder.At("run"), overwrite: true);
        Assert.Equal("old", File.ReadAllText(run.MetricsPath));

        run.Begin(Configurations.Parse());
        Assert.Equal([_folder.At("run"), _folder.At("run/config.json"), _folder.At("run/notes.txt")], Everything().Order());
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

    [Fact]
    public void FolderThatRefusesFiles_IsNotWritable()
    {
        // Refuses new files whoever asks, even a superuser whom permissions do not stop.
        if (!Directory.Exists("/proc/self"))
            return;

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

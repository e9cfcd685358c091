using NetZero.Testing;

namespace NetZero.Training.Tests;

public sealed class TextFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string[] Names(params string[] entries) =>
        [.. TextFiles.Find([.. entries.Select(_folder.At)], "data.train").Files
            .Select(file => Path.GetRelativePath(_folder.FullPath, file.Path).Replace('\\', '/'))];

    private void Write(params string[] names)
    {
        foreach (var name in names)
            _folder.Write(name, name);
    }

    [Fact]
    public void Folder_IsReadInOrdinalOrderOfPaths()
    {
        Write("d/b.txt", "d/B.txt", "d/a/z.txt", "d/a.txt", "d/a-b.txt");

        Assert.Equal(["d/B.txt", "d/a-b.txt", "d/a.txt", "d/a/z.txt", "d/b.txt"], Names("d"));
    }

    [Fact]
    public void Entries_KeepTheirOrder_AndAFileCountsOnce()
    {
        Write("d/a.txt", "d/b.txt", "x.txt");

        Assert.Equal(["x.txt", "d/b.txt", "d/a.txt"], Names("x.txt", "d/b.txt", "d", "d/*.txt"));
    }

    [Fact]
    public void WhatIsNoText_IsPassedOverAndNamed()
    {
        Write("d/a.txt", "d/bin/x.txt", "d/obj/x.txt", "d/.git/config", "d/.hidden", "d/run/metrics.jsonl", "d/empty.txt");
        _folder.Write("d/empty.txt", "");
        _folder.Write("d/run/config.json", "{ \"train_batch_size\": 1, \"zero_optimization\": {} }");
        _folder.Write("d/b.png", [1, 0, 2]);

        var found = TextFiles.Find([_folder.At("d")], "data.train");

        Assert.Equal([_folder.At("d/a.txt")], found.Files.Select(file => file.Path));
        Assert.Equal(
            [(".git", "hidden"), (".hidden", "hidden"), ("b.png", "binary"), ("bin", "build output"), ("obj", "build output"), ("run", "output of a run")],
            found.Skipped.Select(skipped => (Path.GetFileName(skipped.Path), skipped.Reason)).Order());
    }

    [Fact]
    public void FileNamedInFull_IsTakenWhateverItHolds()
    {
        _folder.Write("d/bin/b.png", [1, 0, 2]);

        Assert.Equal(["d/bin/b.png"], Names("d/bin/b.png"));
    }

    [Theory]
    [InlineData("d/*.cs", "d/a.cs")]
    [InlineData("d/**/*.cs", "d/a.cs", "d/e/b.cs", "d/e/f/c.cs")]
    [InlineData("**/*.cs", "d/a.cs", "d/e/b.cs", "d/e/f/c.cs")]
    [InlineData("d/*/?.cs", "d/e/b.cs")]
    [InlineData("d/**/f/*", "d/e/f/c.cs", "d/e/f/c.md")]
    [InlineData("d/**/e/**/*.cs", "d/e/b.cs", "d/e/f/c.cs")]
    [InlineData("d/*/bin/*.cs", "d/e/bin/x.cs")]
    public void Pattern_MatchesNamesAndFolders(string pattern, params string[] expected)
    {
        Write("d/a.cs", "d/a.md", "d/e/b.cs", "d/e/f/c.cs", "d/e/f/c.md", "d/e/bin/x.cs");

        Assert.Equal(expected, Names(pattern));
    }

    [Fact]
    public void MissingFile_NamesPathGivenAndResolved()
    {
        var error = Assert.Throws<ConfigurationException>(() => TextFiles.Find(["no/such.txt"], "data.train"));

        Assert.Equal($"'data.train': 'no/such.txt' not found (looked for {Path.GetFullPath("no/such.txt")})", error.Message);
    }

    [Fact]
    public void PatternWithoutMatch_SaysWhereItLooked()
    {
        var error = Assert.Throws<ConfigurationException>(() => TextFiles.Find(["no/such/*.txt"], "data.train"));

        Assert.Equal($"'data.train': the pattern 'no/such/*.txt' matches no file (looked in {Path.GetFullPath("no/such")})", error.Message);
    }

    [FactOnSystem(TestSystems.Unix, "making a link takes a privilege on Windows")]
    public void LinkToAFolder_IsNotFollowed()
    {
        Write("d/a.txt");
        Directory.CreateSymbolicLink(_folder.At("d/loop"), _folder.At("d"));

        Assert.Equal(["d/a.txt"], Names("d"));
    }
}

namespace NetZero.Training.Tests;

public class SamplesTests
{
    private static readonly string Samples = Path.Combine(ConfigurationSchemaTests.RepositoryRoot(), "samples");

    public static TheoryData<string> Configurations =>
        [.. Directory.GetFiles(Samples, "*.json").Select(path => Path.GetFileName(path)!).Where(name => name != "netzero.schema.json").Order()];

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Sample_IsAValidConfiguration(string name) => Assert.NotEmpty(RunConfiguration.Load(Path.Combine(Samples, name)).Data.Train);

    [Fact]
    public void Quickstart_FindsTheRepositorysSourcesAndDocuments()
    {
        var root = ConfigurationSchemaTests.RepositoryRoot();
        var entries = RunConfiguration.Load(Path.Combine(Samples, "quickstart.json")).Data.Train;

        var names = TextFiles.Find([.. entries.Select(entry => Path.Combine(root, entry))], "data.train").Files
            .Select(file => Path.GetRelativePath(root, file.Path).Replace('\\', '/')).ToArray();

        Assert.Contains("README.md", names);
        Assert.Contains("src/NetZero.Training/Data/TextFiles.cs", names);
        Assert.DoesNotContain(names, name => name.Contains("/obj/", StringComparison.Ordinal) || name.Contains("/bin/", StringComparison.Ordinal));
    }
}

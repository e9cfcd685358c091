namespace NetZero.Training.Tests.EndToEnd;

/// <summary>The README's first program is a sample that is built with everything else, so it cannot rot.</summary>
public class FirstProgramTests
{
    [Fact]
    public void Readme_ShowsExactlyTheSamplesCode()
    {
        var root = ConfigurationSchemaTests.RepositoryRoot();
        const string fence = "```csharp\n";
        var readme = File.ReadAllText(Path.Combine(root, "README.md")).ReplaceLineEndings("\n");
        var start = readme.IndexOf(fence, StringComparison.Ordinal) + fence.Length;
        Assert.True(start >= fence.Length, "README.md has no block of C#");

        var code = readme[start..readme.IndexOf("```", start, StringComparison.Ordinal)];

        Assert.Equal(File.ReadAllText(Path.Combine(root, "samples", "first-program", "Program.cs")).ReplaceLineEndings("\n"), code);
        Assert.Equal(-1, readme.IndexOf(fence, start, StringComparison.Ordinal));
    }
}

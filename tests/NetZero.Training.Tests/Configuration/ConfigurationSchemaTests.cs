using System.Runtime.CompilerServices;

namespace NetZero.Training.Tests;

public class ConfigurationSchemaTests
{
    /// <summary>When keys change, <c>NETZERO_WRITE_SCHEMA=1 dotnet test</c> writes the file anew; the change is then read in the diff.</summary>
    [Fact]
    public void CheckedInSchema_IsWhatTheKeysGenerate()
    {
        var path = Path.Combine(RepositoryRoot(), "samples", "netzero.schema.json");
        if (Environment.GetEnvironmentVariable("NETZERO_WRITE_SCHEMA") == "1")
            File.WriteAllBytes(path, RunConfiguration.Schema());

        Assert.Equal(File.ReadAllText(path), System.Text.Encoding.UTF8.GetString(RunConfiguration.Schema()));
    }

    internal static string RepositoryRoot([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", ".."));
}

namespace NetZero.Cli.Tests;

/// <summary>A folder that goes away with the test, holding a small configuration.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => File.WriteAllText(
        Configuration,
        $$"""
        {
          "model": { "n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 64 },
          "data": { "train": "text.txt" },
          "train_batch_size": 8,
          "steps": 2,
          "output_dir": {{System.Text.Json.JsonSerializer.Serialize(At("out"))}}
        }
        """);

    public string FullPath { get; } = Directory.CreateTempSubdirectory("netzero-tests-").FullName;

    public string Configuration => At("run.json");

    public string At(string name) => Path.Combine(FullPath, name);

    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}

using System.Text.Json;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>A small run through <see cref="Trainer.RunAsync"/> in a folder of its own, and what it wrote.</summary>
internal sealed class Run(TemporaryFolder folder, string name)
{
    private const string Configuration = """
        {
          "model": { "n_layer": 2, "n_head": 3, "n_embd": 30, "n_positions": 16 },
          "data": { "train": "x", "seq_len": 13 },
          "train_batch_size": 12,
          "optimizer": { "params": { "lr": 1e-2 } },
          "ranks": 2, "threads_per_rank": 1, "steps": 3
        }
        """;

    public string Folder => folder.At(name);

    public JsonElement[] Metrics => [.. File.ReadLines(Path.Combine(Folder, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];

    public double[] Losses => [.. Metrics.Select(line => line.GetProperty("loss").GetDouble())];

    public JsonElement Memory => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "memory.json"))).RootElement;

    public byte[] ModelBytes => File.ReadAllBytes(Path.Combine(Folder, "model", "model.safetensors"));

    public RunConfiguration Configure(string text, params string[] overrides) =>
        RunConfiguration.Parse(Configuration, [$"data.train={text}", $"output_dir={Folder}", .. overrides]);

    public Task<RunSummary> TrainAsync(string text, params string[] overrides) =>
        Trainer.RunAsync(Configure(text, overrides), new TrainingOptions { Trace = true }, Observer);

    /// <summary>What is told of each step, by all that were trained with <see cref="Observer"/>.</summary>
    public List<StepReport> Reports { get; } = [];

    /// <summary>Collects <see cref="Reports"/>.</summary>
    public ITrainingObserver Observer => new Collector(Reports);

    private sealed class Collector(List<StepReport> reports) : ITrainingObserver
    {
        public void OnStep(StepReport report) => reports.Add(report);
    }
}

using System.Text.Json;
using NetZero.Checkpoints;

namespace NetZero.Cli;

/// <summary>What a manifest says, in words and as JSON, the same in all verbs.</summary>
internal static class CheckpointWords
{
    public static string Ranks(CheckpointWorld world) => world.ShardRanks == world.Ranks ? $"{world.Ranks}" : $"{world.Ranks}, in groups of {world.ShardRanks}";

    public static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    public static void Write(Utf8JsonWriter json, CheckpointManifest manifest)
    {
        json.WriteNumber("step", manifest.Step);
        json.WriteNumber("version", manifest.Version);
        json.WriteString("library", manifest.Library);
        json.WriteNumber("ranks", manifest.World.Ranks);
        json.WriteNumber("shard_ranks", manifest.World.ShardRanks);
        json.WriteNumber("stage", manifest.World.Stage);
        json.WriteNumber("state_bytes", manifest.StateBytes());
        json.WriteNumber("file_bytes", manifest.Files.Sum(f => f.Bytes));
        json.WriteNumber("tensors", manifest.Tensors.Count);
        JsonLine.Number(json, "validation_loss", manifest.ValidationLoss);
    }
}

using System.Text.Json;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What one rank's memory came to.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="Peak">The peak of each kind, and of their sum.</param>
/// <param name="Steady">What lives at <c>Update</c>, gradients included.</param>
/// <param name="ModelStateBytesExpected">What the formula says for parameters, gradients and optimizer state at that moment.</param>
public sealed record RankMemory(int Rank, KindBytes Peak, KindBytes Steady, long ModelStateBytesExpected)
{
    /// <summary>Steady bytes of what the formula speaks of: parameters, gradients, optimizer state.</summary>
    public long ModelStateBytes => Steady[MemoryKind.Parameter] + Steady[MemoryKind.Gradient] + Steady[MemoryKind.Optimizer];

    /// <summary>Writes the object that <c>memory.json</c> has for a rank.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        json.WriteNumber("rank", Rank);
        Peak.WriteTo(json, "peak_bytes");
        Steady.WriteTo(json, "steady_bytes");
        json.WriteNumber("model_state_bytes_expected", ModelStateBytesExpected);
        json.WriteEndObject();
    }
}

/// <summary>Writes <c>memory.json</c>.</summary>
public static class MemoryReport
{
    /// <summary>Writes the memory of all ranks, in the order of ranks.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<RankMemory> ranks) =>
        File.WriteAllBytes(path, ConfigurationWriter.WriteObject(writer =>
        {
            writer.WriteStartArray("ranks");
            foreach (var rank in ranks.OrderBy(rank => rank.Rank))
                rank.WriteTo(writer);
            writer.WriteEndArray();
        }));
}

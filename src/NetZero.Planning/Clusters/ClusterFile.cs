using System.Text.Json;
using System.Text.Json.Serialization;

namespace NetZero.Planning;

/// <summary>Reads cluster descriptions: JSON with comments; every figure says where it comes from.</summary>
internal static class ClusterFile
{
    /// <summary>Reads one description.</summary>
    /// <param name="json">The text.</param>
    /// <param name="where">What the text is called in errors.</param>
    /// <exception cref="ArgumentException">Text that is no description, or a figure that no machine has.</exception>
    public static ClusterDescription Read(string json, string where)
    {
        try
        {
            return Checked(JsonSerializer.Deserialize(json, ClusterJson.Default.ClusterDescription)
                ?? throw new ArgumentException($"{where}: no cluster description"), where);
        }
        catch (JsonException problem)
        {
            throw new ArgumentException($"{where}: {problem.Message.ReplaceLineEndings(" ")}", problem);
        }
    }

    /// <summary>The text of a description, which <see cref="Read"/> reads.</summary>
    public static string Write(ClusterDescription cluster) => JsonSerializer.Serialize(cluster, ClusterJson.Default.ClusterDescription) + "\n";

    private static ClusterDescription Checked(ClusterDescription cluster, string where)
    {
        foreach (var (value, what) in new (double, string)[]
        {
            (cluster.DevicesPerNode, "devices_per_node"), (cluster.Device.MemoryBytes, "device.memory_bytes"),
            (cluster.Device.MemoryBytesPerSecond, "device.memory_bytes_per_second"), (cluster.Device.MatmulFraction, "device.matmul_fraction"),
            (cluster.Inside.BytesPerSecond, "inside.bytes_per_second"), (cluster.Network.BytesPerSecond, "network.bytes_per_second"),
            (cluster.Network.Oversubscription, "network.oversubscription"),
            (cluster.Device.PeakFlopsPerSecond.Count, "device.peak_flops_per_second"),
        })
        {
            if (!(value > 0))
                throw new ArgumentException($"{where}: {what} is {value}; expected a number above 0");
        }

        return cluster.Device.MatmulFraction <= 1
            ? cluster
            : throw new ArgumentException($"{where}: device.matmul_fraction is {cluster.Device.MatmulFraction}; expected at most 1");
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ClusterDescription))]
internal sealed partial class ClusterJson : JsonSerializerContext;

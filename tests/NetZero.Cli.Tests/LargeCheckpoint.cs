using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using NetZero.Checkpoints;

namespace NetZero.Cli.Tests;

/// <summary>A checkpoint of any size whose files have their lengths and no bytes: for what must not read them.</summary>
internal static class LargeCheckpoint
{
    private const int HeaderBytes = 4096;
    private const long BlockBytes = 1 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Makes one.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="ranks">Files.</param>
    /// <param name="tensors">Tensors of each file, of F32.</param>
    /// <param name="elements">Elements of each tensor.</param>
    /// <returns>The folder.</returns>
    public static string Make(string folder, int ranks, int tensors, long elements)
    {
        Directory.CreateDirectory(folder);
        var files = new List<CheckpointFile>();
        var all = new List<CheckpointTensor>();
        var bytes = elements * sizeof(float);
        var sums = new string('0', (int)((bytes + BlockBytes - 1) / BlockBytes) * 8);
        for (var rank = 0; rank < ranks; rank++)
        {
            var fileName = string.Create(CultureInfo.InvariantCulture, $"rank-{rank:D5}.safetensors");
            var file = new CheckpointFile(fileName, HeaderBytes + (tensors * bytes), HeaderBytes, "00000000");
            files.Add(file);
            using (var handle = File.OpenHandle(Path.Combine(folder, file.Name), FileMode.Create, FileAccess.Write))
                RandomAccess.SetLength(handle, file.Bytes);
            for (var i = 0; i < tensors; i++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"h.{(rank * tensors) + i}.weight");
                var piece = new CheckpointPiece(file.Name, name, 0, elements, sums);
                all.Add(new CheckpointTensor(name, CheckpointTensor.ParameterKind, "F32", [elements], [piece]));
            }
        }

        var manifest = new CheckpointManifest { Step = 1, World = new CheckpointWorld(ranks, ranks, 3), Files = files, Tensors = all };
        var json = JsonSerializer.SerializeToUtf8Bytes(manifest, Json);
        byte[] body = [.. json.AsSpan(0, json.Length - 1), .. ",\"checksum\":\""u8];
        var sum = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Crc32C.Of(body):x8}"));
        File.WriteAllBytes(Path.Combine(folder, CheckpointManifest.FileName), [.. body, .. sum, .. "\"}\n"u8]);
        return folder;
    }
}

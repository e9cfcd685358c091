using System.Text.Json;

namespace NetZero.Checkpoints;

/// <summary>
/// Which file holds which tensor: from <c>model.safetensors</c>, or for a model cut into several files from
/// <c>model.safetensors.index.json</c> (<c>{"weight_map": {NAME: FILE}}</c>).
/// </summary>
internal static class HuggingFaceIndex
{
    public const string SingleFile = "model.safetensors";
    public const string IndexFile = "model.safetensors.index.json";

    /// <summary>Opens the folder's weight files, and checks that they hold what the index says.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="files">Receives each file opened, also when opening a later one fails: the caller closes them.</param>
    public static void OpenFiles(string folder, List<SafetensorsFile> files)
    {
        var single = Path.Combine(folder, SingleFile);
        if (File.Exists(single))
        {
            files.Add(SafetensorsFile.Open(single));
            return;
        }

        var index = Path.Combine(folder, IndexFile);
        if (!File.Exists(index))
            throw new CheckpointFormatException(folder, NoWeights(folder));
        var map = JsonFile.Read(index, root => ReadWeightMap(index, root));
        foreach (var group in map.GroupBy(entry => entry.Value, entry => entry.Key).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var path = Path.Combine(folder, group.Key);
            if (!File.Exists(path))
                throw new CheckpointFormatException(index, group.First(), $"is said to be in {group.Key}, which is missing");
            var file = SafetensorsFile.Open(path);
            files.Add(file);
            foreach (var name in group)
            {
                if (!file.Contains(name))
                    throw new CheckpointFormatException(path, name, $"is missing, {IndexFile} says that it is here");
            }
        }
    }

    private static Dictionary<string, string> ReadWeightMap(string index, JsonElement root)
    {
        if (!root.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw new CheckpointFormatException(index, "has no object weight_map");
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            var file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";

            // Files of the folder only: an index from elsewhere must not make us open other places of the disk.
            if (file.Length == 0 || file is "." or ".." || file.AsSpan().IndexOfAny("/\\:\0") >= 0)
            {
                throw new CheckpointFormatException(
                    index, entry.Name, $"is mapped to {CheckpointFormatException.Quote(entry.Value.ToString())}, expected the name of a file in this folder");
            }
            files[entry.Name] = file;
        }
        return files;
    }

    private static string NoWeights(string folder) =>
        !Directory.Exists(folder)
            ? "there is no such folder"
            : File.Exists(Path.Combine(folder, "pytorch_model.bin"))
                ? $"has pytorch_model.bin but no {SingleFile}; save it again with save_pretrained(..., safe_serialization=True)"
                : $"has neither {SingleFile} nor {IndexFile}";
}

using System.Globalization;

namespace NetZero.Checkpoints;

/// <summary>
/// The weight files of a folder that is written: <c>model.safetensors</c>, or <c>model-00001-of-0000N.safetensors</c>, ... and an index, where the tensors are
/// more than one file should hold.
/// </summary>
internal sealed class HuggingFaceShards : IDisposable
{
    private readonly string _folder;
    private readonly List<SafetensorsWriter> _files = [];
    private readonly Dictionary<string, SafetensorsWriter> _fileOf = new(StringComparer.Ordinal);
    private readonly long _bytes;

    private HuggingFaceShards(string folder, IReadOnlyList<SafetensorsSpec> tensors, long maxShardBytes)
    {
        _folder = folder;
        _bytes = tensors.Sum(Bytes);
        var shards = Cut(tensors, maxShardBytes);
        try
        {
            for (var i = 0; i < shards.Count; i++)
            {
                var name = shards.Count == 1
                    ? HuggingFaceIndex.SingleFile
                    : string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors");
                var file = SafetensorsWriter.Create(Path.Combine(folder, name), shards[i]);
                _files.Add(file);
                foreach (var tensor in shards[i])
                    _fileOf[tensor.Name] = file;
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Begins the files.</summary>
    /// <exception cref="ArgumentException">A name twice or reserved, or a negative size.</exception>
    /// <exception cref="IOException">A file cannot be created, or the disk is full.</exception>
    public static HuggingFaceShards Create(string folder, IReadOnlyList<SafetensorsSpec> tensors, long maxShardBytes) => new(folder, tensors, maxShardBytes);

    public void Write(string name, long start, ReadOnlySpan<float> values)
    {
        if (!_fileOf.TryGetValue(name, out var file))
            throw new ArgumentException($"There is no tensor '{name}' in {_folder}.", nameof(name));
        file.Write(name, start, values);
    }

    /// <summary>Completes the files. The index, or the single file, comes last; what an earlier model left of the other kind goes, because readers would take it.</summary>
    /// <exception cref="InvalidOperationException">Elements are missing.</exception>
    public void Commit()
    {
        foreach (var file in _files)
            file.Commit();
        var index = Path.Combine(_folder, HuggingFaceIndex.IndexFile);
        if (_files.Count == 1)
        {
            File.Delete(index);
            return;
        }

        WriteIndex(index);
        File.Delete(Path.Combine(_folder, HuggingFaceIndex.SingleFile));
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    // As Hugging Face cuts: in order, a new file when the next tensor would make one too large.
    private static List<List<SafetensorsSpec>> Cut(IReadOnlyList<SafetensorsSpec> tensors, long maxShardBytes)
    {
        var shards = new List<List<SafetensorsSpec>> { new() };
        long filled = 0;
        foreach (var tensor in tensors)
        {
            if (filled > 0 && Bytes(tensor) > maxShardBytes - filled)
            {
                shards.Add([]);
                filled = 0;
            }

            shards[^1].Add(tensor);
            filled += Bytes(tensor);
        }

        return shards;
    }

    private static long Bytes(SafetensorsSpec tensor) => tensor.Shape.Aggregate(tensor.DType.Bits() / 8L, (product, size) => checked(product * size));

    private void WriteIndex(string path) => JsonFile.Write(path, json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", _bytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach (var (name, file) in _fileOf.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            json.WriteString(name, Path.GetFileName(file.Path));
        json.WriteEndObject();
        json.WriteEndObject();
    });
}

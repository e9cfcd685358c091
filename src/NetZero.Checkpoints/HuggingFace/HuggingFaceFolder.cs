using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace NetZero.Checkpoints;

/// <summary>
/// A GPT-2 model in Hugging Face's layout, opened for reading: <c>config.json</c>, and the weights in <c>model.safetensors</c> or in
/// several files with an index. Opening reads headers only; a rank then reads the ranges that it needs.
/// </summary>
/// <remarks>
/// Names are given and listed without the prefix <c>transformer.</c>, whether the files have it or not. Saved mask buffers are left out,
/// and so is <c>lm_head.weight</c> where the configuration ties it to the embedding. Safe for use by several threads.
/// </remarks>
public sealed class HuggingFaceFolder : IDisposable
{
    // As many names as fit on a line when a whole model does not match.
    private const int MostNamed = 4;

    // Of a tensor, at each place where Digest looks: a page of fp32.
    private const int SampledElements = 1024;

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, (SafetensorsFile File, SafetensorsTensor Tensor)> _catalogue = new(StringComparer.Ordinal);

    private HuggingFaceFolder(string path)
    {
        Path = path;
        Config = HuggingFaceGpt2Config.Read(path);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What its <c>config.json</c> says.</summary>
    public HuggingFaceGpt2Config Config { get; }

    /// <summary>The tensors that a model can take from here, sorted by name.</summary>
    public IReadOnlyList<TensorSpec> Tensors { get; private set; } = [];

    /// <summary>Bytes of tensors read so far, from all threads; headers are not counted.</summary>
    public long BytesRead => _files.Sum(file => file.BytesRead);

    /// <summary>Opens a folder: reads its configuration and the headers of its weight files.</summary>
    /// <exception cref="CheckpointFormatException">A file is missing, cannot be read, is damaged, or is for a model that is not supported.</exception>
    public static HuggingFaceFolder Open(string path)
    {
        var folder = new HuggingFaceFolder(path);
        try
        {
            HuggingFaceIndex.OpenFiles(path, folder._files);
            folder.Catalogue();
            folder.CheckSizes();
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Checks that the folder holds exactly the tensors of a model, each of its shape.</summary>
    /// <exception cref="CheckpointFormatException">
    /// Tensors are missing, unexpected or of another shape: named, with the shape that was found and the one expected.
    /// </exception>
    public void Match(IReadOnlyCollection<TensorSpec> expected)
    {
        var names = expected.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        var problems = new List<string>();
        AddProblem(problems, "of another shape", expected
            .Where(tensor => _catalogue.TryGetValue(tensor.Name, out var found) && !found.Tensor.Shape.SequenceEqual(tensor.Shape))
            .Select(tensor =>
                $"{CheckpointFormatException.Quote(tensor.Name)} has shape {CheckpointFormatException.Show(_catalogue[tensor.Name].Tensor.Shape)}, "
                + $"expected {CheckpointFormatException.Show(tensor.Shape)}"));
        AddProblem(problems, "missing", expected
            .Where(tensor => !_catalogue.ContainsKey(tensor.Name))
            .Select(tensor => $"{CheckpointFormatException.Quote(tensor.Name)}, expected with shape {CheckpointFormatException.Show(tensor.Shape)}"));
        AddProblem(problems, "unexpected", Tensors
            .Where(tensor => !names.Contains(tensor.Name))
            .Select(tensor => $"{CheckpointFormatException.Quote(tensor.Name)}, found with shape {CheckpointFormatException.Show(tensor.Shape)}"));
        if (problems.Count > 0)
            throw new CheckpointFormatException(Path, string.Join("; ", problems));
    }

    /// <summary>Reads elements <paramref name="start"/> and following of a tensor, in row-major order, as singles.</summary>
    /// <param name="name">The tensor, without <c>transformer.</c>.</param>
    /// <param name="start">The first element.</param>
    /// <param name="destination">As many elements as to read.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    /// <exception cref="CheckpointFormatException">No such tensor, or a file cut short since it was opened.</exception>
    public void Read(string name, long start, Span<float> destination)
    {
        if (!_catalogue.TryGetValue(name, out var found))
            throw new CheckpointFormatException(Path, name, "is missing");
        found.File.Read(found.Tensor.Name, start, destination);
    }

    /// <summary>
    /// A short name of what is in the folder: of <c>config.json</c>, and of each tensor's name, type, shape and elements at its
    /// beginning, in its middle and at its end.
    /// </summary>
    /// <remarks>
    /// A few KiB of each tensor are read, so that ranks on several machines can compare models of any size when they start. Training
    /// changes every tensor that it changes nearly everywhere.
    /// </remarks>
    /// <exception cref="CheckpointFormatException">A file cut short since it was opened.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(File.ReadAllBytes(System.IO.Path.Combine(Path, HuggingFaceGpt2Config.FileName)));
        var sample = new float[SampledElements];
        foreach (var spec in Tensors)
        {
            var (file, tensor) = _catalogue[spec.Name];
            hash.AppendData(Encoding.UTF8.GetBytes($"\n{spec.Name} {tensor.DType} {string.Join('x', spec.Shape)}\n"));
            var count = Math.Min(SampledElements, tensor.ElementCount);
            var last = tensor.ElementCount - count;
            foreach (var start in last == 0 ? [0] : (long[])[0, last / 2, last])
            {
                file.Read(tensor.Name, start, sample.AsSpan(0, (int)count));
                hash.AppendData(MemoryMarshal.AsBytes(sample.AsSpan(0, (int)count)));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    /// <summary>Closes the files.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Catalogue()
    {
        SafetensorsTensor? tiedHead = null;
        foreach (var file in _files)
        {
            foreach (var tensor in file.Tensors)
            {
                var name = Gpt2Names.Canonical(tensor.Name);
                if (Gpt2Names.IsMaskBuffer(name))
                    continue;
                if (name == Gpt2Names.Head && Config.TieWordEmbeddings)
                {
                    tiedHead = tensor;
                    continue;
                }
                if (!Elements.CanReadAsSingle(tensor.DType))
                    throw new CheckpointFormatException(file.Path, tensor.Name, $"has dtype {tensor.DType.Name()}, expected F32, BF16 or F16");
                if (!_catalogue.TryAdd(name, (file, tensor)))
                {
                    throw new CheckpointFormatException(
                        file.Path,
                        tensor.Name,
                        $"is a second {CheckpointFormatException.Quote(name)}; the first is in {_catalogue[name].File.Path}");
                }
            }
        }
        UseHeadAsEmbedding(tiedHead);
        Tensors = _catalogue
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => new TensorSpec(entry.Key, entry.Value.Tensor.Shape))
            .ToList();
    }

    // Two names of one tensor: files may hold either, or both (the head is then a copy, and only its shape says something).
    private void UseHeadAsEmbedding(SafetensorsTensor? tiedHead)
    {
        if (tiedHead is null)
            return;
        var file = _files.First(file => file.Contains(tiedHead.Name));
        if (!_catalogue.TryGetValue(Gpt2Names.Embedding, out var embedding))
        {
            if (!Elements.CanReadAsSingle(tiedHead.DType))
                throw new CheckpointFormatException(file.Path, tiedHead.Name, $"has dtype {tiedHead.DType.Name()}, expected F32, BF16 or F16");
            _catalogue.Add(Gpt2Names.Embedding, (file, tiedHead));
        }
        else if (!embedding.Tensor.Shape.SequenceEqual(tiedHead.Shape))
        {
            throw new CheckpointFormatException(
                file.Path,
                tiedHead.Name,
                $"has shape {CheckpointFormatException.Show(tiedHead.Shape)}, expected {CheckpointFormatException.Show(embedding.Tensor.Shape)} "
                + $"as {Gpt2Names.Embedding}, to which config.json ties it");
        }
    }

    // What config.json says and the tensors show. That tensors are missing, or too many, is for the comparison with a model to say.
    private void CheckSizes()
    {
        foreach (var (key, size, name, dim) in (ReadOnlySpan<(string, int, string, int)>)
        [
            ("vocab_size", Config.VocabSize, Gpt2Names.Embedding, 0),
            ("n_positions", Config.NPositions, Gpt2Names.Positions, 0),
            ("n_embd", Config.NEmbd, Gpt2Names.Embedding, 1),
        ])
        {
            if (_catalogue.TryGetValue(name, out var found) && found.Tensor.Shape is { Count: 2 } shape && shape[dim] != size)
                throw Contradicted($"{key} {size}", $"{CheckpointFormatException.Quote(name)} has shape {CheckpointFormatException.Show(shape)}");
        }

        var blocks = _catalogue.Keys.Select(Gpt2Names.Block).Max() + 1;
        if (blocks is { } count && count != Config.NLayer)
            throw Contradicted($"n_layer {Config.NLayer}", $"the tensors are of {count} {(count == 1 ? "block" : "blocks")}");
    }

    private CheckpointFormatException Contradicted(string said, string shown) =>
        new(Path, $"{HuggingFaceGpt2Config.FileName} says {said}, but {shown}; correct {HuggingFaceGpt2Config.FileName}, or take the weights that it belongs to");

    private static void AddProblem(List<string> problems, string kind, IEnumerable<string> tensors)
    {
        var all = tensors.ToList();
        if (all.Count == 0)
            return;
        var more = all.Count > MostNamed ? $" and {all.Count - MostNamed} more" : "";
        problems.Add($"{all.Count} {(all.Count == 1 ? "tensor" : "tensors")} {kind}: {string.Join(", ", all.Take(MostNamed))}{more}");
    }
}

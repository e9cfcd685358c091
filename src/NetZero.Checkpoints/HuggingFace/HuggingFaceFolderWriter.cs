namespace NetZero.Checkpoints;

/// <summary>
/// Writes a GPT-2 model in Hugging Face's layout: <c>config.json</c>, and <c>model.safetensors</c> or several files with an index. Elements come piece by
/// piece, in any order and from any thread. The bytes of the weight files depend on the weights alone.
/// </summary>
/// <remarks>
/// Names are written as in Hugging Face's own <c>gpt2</c>, without <c>transformer.</c>; a model with a head of its own gets the prefix,
/// because loaders there take a file without it for one of a model without a head.
/// </remarks>
public sealed class HuggingFaceFolderWriter : IDisposable
{
    private readonly HuggingFaceGpt2Config _config;
    private readonly HuggingFaceShards _weights;
    private readonly bool _prefixed;
    private readonly bool _madeFolder;
    private bool _committed;

    private HuggingFaceFolderWriter(string path, HuggingFaceGpt2Config config, IReadOnlyCollection<TensorSpec> tensors, long maxShardBytes, bool madeFolder)
    {
        _madeFolder = madeFolder;
        Path = path;
        _config = config;
        _prefixed = tensors.Any(tensor => tensor.Name == Gpt2Names.Head);
        _weights = HuggingFaceShards.Create(path, [.. tensors.Select(tensor => new SafetensorsSpec(FileName(tensor.Name), SafetensorsDType.F32, tensor.Shape))], maxShardBytes);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Begins to write a model into a folder, which is made if need be.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="config">Written as <c>config.json</c>.</param>
    /// <param name="tensors">The model's tensors, named without <c>transformer.</c>.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in one file, unless a single tensor is larger; a model that fits is one file.</param>
    /// <exception cref="ArgumentException">The configuration and the tensors disagree on whether the model has a head of its own.</exception>
    /// <exception cref="IOException">A file cannot be created, or the disk is full.</exception>
    public static HuggingFaceFolderWriter Create(
        string path, HuggingFaceGpt2Config config, IReadOnlyCollection<TensorSpec> tensors, long maxShardBytes = long.MaxValue)
    {
        var hasHead = tensors.Any(tensor => tensor.Name == Gpt2Names.Head);
        if (hasHead == config.TieWordEmbeddings)
        {
            throw new ArgumentException(
                $"tie_word_embeddings is {(config.TieWordEmbeddings ? "true" : "false")}, but the model has {(hasHead ? "a" : "no")} {Gpt2Names.Head}.",
                nameof(tensors));
        }
        var madeFolder = !Directory.Exists(path);
        Directory.CreateDirectory(path);
        try
        {
            return new HuggingFaceFolderWriter(path, config, tensors, maxShardBytes, madeFolder);
        }
        catch when (madeFolder)
        {
            Remove(path);
            throw;
        }
    }

    /// <summary>Writes elements <paramref name="start"/> and following of a tensor.</summary>
    /// <exception cref="ArgumentException">No such tensor, or a range outside it.</exception>
    /// <exception cref="InvalidOperationException">An element that was written before.</exception>
    public void Write(string name, long start, ReadOnlySpan<float> values) => _weights.Write(FileName(name), start, values);

    /// <summary>Completes the folder, once every element of every tensor was written.</summary>
    /// <exception cref="InvalidOperationException">Elements are missing; the first missing range is named.</exception>
    public void Commit()
    {
        _config.Write(Path);
        _weights.Commit();
        _committed = true;
    }

    /// <summary>Closes the files; without <see cref="Commit"/> before, no weights stay, and no folder that was made for them.</summary>
    public void Dispose()
    {
        _weights.Dispose();
        if (!_committed && _madeFolder)
            Remove(Path);
    }

    // What a broken off writer may leave in a folder of its own. Whatever else has come to be there stays.
    private static void Remove(string path)
    {
        if (!Directory.Exists(path))
            return;
        File.Delete(System.IO.Path.Combine(path, HuggingFaceGpt2Config.FileName));
        if (!Directory.EnumerateFileSystemEntries(path).Any())
            Directory.Delete(path);
    }

    private string FileName(string name) => _prefixed && name != Gpt2Names.Head ? Gpt2Names.Prefix + name : name;
}

using NetZero.Nn;

namespace NetZero.Checkpoints;

/// <summary>An adapter in PEFT's layout, opened for reading: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>. Opening reads headers only. Safe for use by several threads.</summary>
public sealed class AdapterFolder : IDisposable, IParameterSource
{
    private const int MostNamed = 4;

    private readonly SafetensorsFile _file;
    private readonly Dictionary<string, SafetensorsTensor> _tensors = new(StringComparer.Ordinal);

    private AdapterFolder(string path, AdapterConfig config)
    {
        Path = path;
        Config = config;
        _file = SafetensorsFile.Open(System.IO.Path.Combine(path, AdapterNames.Weights));
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What its <c>adapter_config.json</c> says, with the layers that its tensors name where the file has an expression.</summary>
    public AdapterConfig Config { get; private set; }

    /// <summary>Opens a folder.</summary>
    /// <exception cref="CheckpointFormatException">A file is missing, cannot be read, is damaged, or holds something else than low-rank adapters that are supported.</exception>
    public static AdapterFolder Open(string path)
    {
        var folder = new AdapterFolder(path, AdapterConfig.Read(path));
        try
        {
            folder.Catalogue();
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Puts the adapter on a model without memory: its layers get adapters whose values this folder gives, and everything else is fixed.</summary>
    /// <exception cref="CheckpointFormatException">It is of another model: a layer is not there, or a tensor is missing, unexpected or of another shape. The message names them.</exception>
    public void Attach(Module model)
    {
        try
        {
            Lora.Apply(model, Config.Options);
        }
        catch (ArgumentException e)
        {
            throw new CheckpointFormatException(Path, $"is an adapter of another model: {e.Message}", e);
        }

        var expected = Lora.Parameters(model).ToDictionary(p => p.Name, p => p.Parameter.Shape.Extents.ToArray(), StringComparer.Ordinal);
        var problems = new List<string>();
        Add(problems, "of another shape", expected.Where(e => _tensors.TryGetValue(e.Key, out var found) && !found.Shape.SequenceEqual(e.Value)).Select(e =>
            $"{CheckpointFormatException.Quote(e.Key)} has shape {CheckpointFormatException.Show(_tensors[e.Key].Shape)}, expected {CheckpointFormatException.Show(e.Value)}"));
        Add(problems, "missing", expected.Keys.Where(name => !_tensors.ContainsKey(name)).Select(CheckpointFormatException.Quote));
        Add(problems, "unexpected", _tensors.Keys.Where(name => !expected.ContainsKey(name)).Select(CheckpointFormatException.Quote));
        if (problems.Count > 0)
            throw new CheckpointFormatException(Path, $"is an adapter of another model: {string.Join("; ", problems)}");
    }

    /// <inheritdoc/>
    /// <exception cref="CheckpointFormatException">No such tensor, or a file cut short since it was opened.</exception>
    public void Read(string name, Parameter parameter, long first, Span<float> destination)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
            throw new CheckpointFormatException(Path, name, "is missing");
        _file.Read(tensor.Name, first, destination);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private void Catalogue()
    {
        foreach (var tensor in _file.Tensors)
        {
            if (AdapterNames.Canonical(tensor.Name) is not { } name || Layer(name) is null)
                throw new CheckpointFormatException(_file.Path, tensor.Name, "is no tensor of a low-rank adapter, which end in .lora_A.weight and .lora_B.weight");
            if (!Elements.CanReadAsSingle(tensor.DType))
                throw new CheckpointFormatException(_file.Path, tensor.Name, $"has dtype {tensor.DType.Name()}, expected F32, BF16 or F16");
            if (!_tensors.TryAdd(name, tensor))
                throw new CheckpointFormatException(_file.Path, tensor.Name, $"is a second {CheckpointFormatException.Quote(name)}");
        }

        if (_tensors.Count == 0)
            throw new CheckpointFormatException(_file.Path, "has no tensors");
        if (Config.Options.TargetModules.Count == 0)
            Config = Config with { Options = Config.Options with { TargetModules = [.. _tensors.Keys.Select(name => Layer(name)!).Distinct()] } };
    }

    private static string? Layer(string name)
    {
        foreach (var part in (string[])[LoraAdapter.DownName, LoraAdapter.UpName])
            if (name.EndsWith($".{part}.weight", StringComparison.Ordinal))
                return name[..^(part.Length + ".".Length + ".weight".Length)];
        return null;
    }

    private static void Add(List<string> problems, string kind, IEnumerable<string> tensors)
    {
        var all = tensors.ToList();
        if (all.Count == 0)
            return;
        var more = all.Count > MostNamed ? $" and {all.Count - MostNamed} more" : "";
        problems.Add($"{all.Count} {(all.Count == 1 ? "tensor" : "tensors")} {kind}: {string.Join(", ", all.Take(MostNamed))}{more}");
    }
}

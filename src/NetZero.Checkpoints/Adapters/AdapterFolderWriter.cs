using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Checkpoints;

/// <summary>Writes an adapter in PEFT's layout: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c> in fp32. The bytes depend on settings and values alone.</summary>
public sealed class AdapterFolderWriter : IDisposable
{
    private readonly string _folder;
    private readonly AdapterConfig _config;
    private readonly SafetensorsWriter _weights;

    private AdapterFolderWriter(string folder, AdapterConfig config, IEnumerable<SafetensorsSpec> tensors)
    {
        _folder = folder;
        _config = config;
        _weights = SafetensorsWriter.Create(Path.Combine(folder, AdapterNames.Weights), tensors);
    }

    /// <summary>Begins to write the adapters of a model into a folder, which is made if need be.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">A model with adapters; it needs no memory.</param>
    /// <param name="options">What the adapters were made with.</param>
    /// <param name="baseModel">What <c>base_model_name_or_path</c> says.</param>
    /// <exception cref="IOException">A file cannot be created, or the disk is full.</exception>
    public static AdapterFolderWriter Create(string folder, Module model, LoraOptions options, string? baseModel)
    {
        ArgumentNullException.ThrowIfNull(options);
        Directory.CreateDirectory(folder);
        var config = new AdapterConfig(options with { TargetModules = LoraTargets.Portable(model, options.TargetModules) }, baseModel);
        return new AdapterFolderWriter(folder, config, Lora.Parameters(model).Select(
            p => new SafetensorsSpec(AdapterNames.InFile(p.Name), SafetensorsDType.F32, p.Parameter.Shape.Extents.ToArray())));
    }

    /// <summary>Writes the adapters of a sharded model. Every rank calls it; rank 0 writes, unit by unit, and nothing of the base is gathered.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Save(ShardedModule model, LoraOptions options, string? baseModel, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var writer = model.Group.Rank == 0 ? Create(folder, model.Module, options, baseModel) : null;
        var own = Lora.Parameters(model.Module).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        model.VisitParameters((name, value) => FlatMemory.Read(value, 0, value.Elements, (first, span) => writer!.Write(name, first, span)), of: own.Contains);
        writer?.Commit();
        model.Group.Barrier("adapter saved");
    }

    /// <summary>Writes elements <paramref name="start"/> and following of a parameter.</summary>
    /// <exception cref="ArgumentException">No such parameter, or a range outside it.</exception>
    /// <exception cref="InvalidOperationException">An element that was written before.</exception>
    public void Write(string name, long start, ReadOnlySpan<float> values) => _weights.Write(AdapterNames.InFile(name), start, values);

    /// <summary>Completes the folder, once every element of every tensor was written.</summary>
    /// <exception cref="InvalidOperationException">Elements are missing; the first missing range is named.</exception>
    public void Commit()
    {
        _config.Write(_folder);
        _weights.Commit();
    }

    /// <summary>Closes the file; without <see cref="Commit"/> before, no weights stay.</summary>
    public void Dispose() => _weights.Dispose();
}

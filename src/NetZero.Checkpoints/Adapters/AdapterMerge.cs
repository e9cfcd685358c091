using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>Adds an adapter to the model that it was trained on, as a Hugging Face folder. One matrix at a time is in memory.</summary>
public static class AdapterMerge
{
    private const int PieceElements = 1 << 20;

    /// <summary>Writes base + adapter.</summary>
    /// <param name="source">The base.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="folder">The folder to write, which is made.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in one file, unless a single one is larger.</param>
    /// <param name="threads">Threads to compute with.</param>
    /// <param name="cancellation">Gives up; no weights stay.</param>
    /// <exception cref="CheckpointFormatException">A file is damaged, or the adapter is of another model.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(
        HuggingFaceFolder source, AdapterFolder adapter, string folder, long maxShardBytes = long.MaxValue, int threads = 1, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(adapter);
        var model = new Gpt2(source.Config.ToModelConfig());
        var specs = Gpt2Files.Specs(model);
        source.Match(specs);
        adapter.Attach(model);
        var adapted = Lora.Adapted(model).ToDictionary(l => $"{l.Name}.weight", l => l, StringComparer.Ordinal);
        using var tensors = new TensorContext(new TensorContextOptions { Threads = threads });
        using var writer = HuggingFaceFolderWriter.Create(folder, source.Config, specs, maxShardBytes);
        foreach (var spec in specs)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!adapted.TryGetValue(spec.Name, out var layer))
            {
                Copy(source, writer, spec);
                continue;
            }

            using var scope = tensors.BeginScope("merge");
            var weight = Read(tensors, layer.Layer.Weight.Shape, (first, span) => source.Read(spec.Name, first, span));
            var (down, up) = (layer.Layer.Adapter!.Down.Weight, layer.Layer.Adapter.Up.Weight);
            var a = Read(tensors, down.Shape, (first, span) => adapter.Read($"{layer.Name}.{LoraAdapter.DownName}.weight", down, first, span));
            var b = Read(tensors, up.Shape, (first, span) => adapter.Read($"{layer.Name}.{LoraAdapter.UpName}.weight", up, first, span));
            LoraAdapter.AddTo(weight, a, b, layer.Layer.Adapter.Scale, layer.Layer.Layout);
            FlatMemory.Read(weight, 0, weight.Elements, (first, span) => writer.Write(spec.Name, first, span));
        }

        writer.Commit();
    }

    private static Tensor Read(TensorContext tensors, Shape shape, FlatMemory.Visitor read)
    {
        var tensor = tensors.Empty(shape, name: "merge");
        FlatMemory.Fill(tensor, 0, tensor.Elements, read);
        return tensor;
    }

    private static void Copy(HuggingFaceFolder source, HuggingFaceFolderWriter writer, TensorSpec spec)
    {
        var elements = spec.Shape.Aggregate(1L, (product, size) => product * size);
        var piece = new float[Math.Min(PieceElements, elements)];
        for (long start = 0; start < elements; start += piece.Length)
        {
            var part = piece.AsSpan(0, (int)Math.Min(piece.Length, elements - start));
            source.Read(spec.Name, start, part);
            writer.Write(spec.Name, start, part);
        }
    }
}

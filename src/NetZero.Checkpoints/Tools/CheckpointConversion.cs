using System.Runtime.InteropServices;
using NetZero.Nn;

namespace NetZero.Checkpoints;

/// <summary>Takes a model's values out of a checkpoint into a Hugging Face folder, and the other way round. Both in pieces: no tensor is ever whole in memory.</summary>
public static class CheckpointConversion
{
    private const int PieceElements = BlockChecksums.BlockBytes / sizeof(float);

    /// <summary>Writes a checkpoint's values as a Hugging Face folder, in fp32; each block is verified on its way.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="config">The model's description.</param>
    /// <param name="tensors">The model's tensors.</param>
    /// <param name="folder">The folder; it is made.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in one file, unless a single one is larger.</param>
    /// <param name="cancellation">Gives up; nothing stays.</param>
    /// <exception cref="CheckpointException">A tensor is missing, not of that shape, or damaged.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Export(
        CheckpointReader checkpoint, HuggingFaceGpt2Config config, IReadOnlyCollection<TensorSpec> tensors, string folder, long maxShardBytes,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(tensors);
        foreach (var spec in tensors)
            Check(checkpoint, spec);
        using var writer = HuggingFaceFolderWriter.Create(folder, config, tensors, maxShardBytes);
        Copy(checkpoint, tensors.Select(t => t.Name), writer.Write, cancellation);
        writer.Commit();
    }

    /// <summary>Writes a checkpoint's adapters in PEFT's layout; each block is verified on its way.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="model">The model with adapters; it needs no memory.</param>
    /// <param name="options">What the adapters were made with.</param>
    /// <param name="baseModel">What they were trained on.</param>
    /// <param name="folder">The folder; it is made.</param>
    /// <param name="cancellation">Gives up; no weights stay.</param>
    /// <exception cref="CheckpointException">A tensor is missing, not of that shape, or damaged.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void ExportAdapter(
        CheckpointReader checkpoint, Module model, LoraOptions options, string? baseModel, string folder, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        var tensors = Lora.Parameters(model).Select(p => new TensorSpec(p.Name, p.Parameter.Shape.Extents.ToArray())).ToList();
        foreach (var spec in tensors)
            Check(checkpoint, spec);
        using var writer = AdapterFolderWriter.Create(folder, model, options, baseModel);
        Copy(checkpoint, tensors.Select(t => t.Name), writer.Write, cancellation);
        writer.Commit();
    }

    private delegate void PartWriter(string name, long start, ReadOnlySpan<float> values);

    private static void Check(CheckpointReader checkpoint, TensorSpec spec)
    {
        var tensor = checkpoint.Find(spec.Name);
        if (!tensor.Shape.SequenceEqual(spec.Shape) || !Elements.CanReadAsSingle(tensor.ElementType()))
        {
            throw new CheckpointException(
                checkpoint.Path,
                $"tensor {CheckpointFormatException.Quote(spec.Name)} is {CheckpointFormatException.Show(tensor.Shape)} of {tensor.DType}, "
                + $"expected {CheckpointFormatException.Show(spec.Shape)} of a floating-point type of at most 32 bits")
            {
                IsDamage = false,
            };
        }
    }

    private static void Copy(CheckpointReader checkpoint, IEnumerable<string> names, PartWriter write, CancellationToken cancellation)
    {
        var piece = new float[PieceElements];
        foreach (var name in names)
        {
            var tensor = checkpoint.Find(name);
            for (long start = 0; start < tensor.Elements(); start += piece.Length)
            {
                cancellation.ThrowIfCancellationRequested();
                var part = piece.AsSpan(0, (int)Math.Min(piece.Length, tensor.Elements() - start));
                checkpoint.ReadAsSingle(tensor, start, part);
                write(name, start, part);
            }
        }
    }

    /// <summary>Makes a checkpoint of step 0 from a model's values: whoever trains from it begins with them, and with an optimizer that has seen nothing.</summary>
    /// <param name="source">The model, matched against <paramref name="tensors"/>.</param>
    /// <param name="tensors">Its tensors.</param>
    /// <param name="folder">The folder of checkpoints that it is put into.</param>
    /// <param name="manifest">What to say beside the values, such as the model's section of a configuration.</param>
    /// <param name="cancellation">Gives up; nothing stays.</param>
    /// <returns>The checkpoint.</returns>
    /// <exception cref="CheckpointFormatException">The source is damaged.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static string Import(
        HuggingFaceFolder source, IReadOnlyCollection<TensorSpec> tensors, CheckpointFolder folder, CheckpointManifest manifest, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(manifest);
        manifest = manifest with { Step = 0, World = new CheckpointWorld(1, 1, 0), Library = CheckpointSaver.Library };
        var partial = folder.Begin(manifest.Step);
        try
        {
            var runs = tensors.Select(t => new StoredRun(
                t.Name, CheckpointTensor.ParameterKind, SafetensorsDType.F32, t.Shape, 0, t.Shape.Aggregate(1L, (product, size) => product * size))).ToArray();
            using (var file = RankFile.Create(partial, rank: 0, runs))
            {
                foreach (var run in runs)
                    file.Write(run, (first, block) => source.Read(run.Name, first / sizeof(float), MemoryMarshal.Cast<byte, float>(block)), cancellation);
                file.Complete();
            }

            ManifestAssembly.Complete(folder, manifest, new Dictionary<int, string>(), cancellation);
            return folder.Of(manifest.Step);
        }
        catch
        {
            folder.Abandon(manifest.Step);
            throw;
        }
    }
}

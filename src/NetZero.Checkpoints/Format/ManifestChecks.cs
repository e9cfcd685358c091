namespace NetZero.Checkpoints;

/// <summary>What must hold in a manifest beyond its JSON: names are plain, and the pieces of each tensor are all of it, once.</summary>
internal static class ManifestChecks
{
    /// <exception cref="CheckpointException">The first thing that does not hold.</exception>
    public static void Check(string path, CheckpointManifest manifest)
    {
        if (manifest.Step < 0 || manifest.World is not { Ranks: > 0, ShardRanks: > 0 })
            throw new CheckpointException(path, $"says step {manifest.Step} and {manifest.World}, expected a step from 0 and ranks from 1");
        var files = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in manifest.Files)
        {
            // Files of the folder only: a manifest from elsewhere must not make us open other places of the disk.
            if (file.Name.Length == 0 || file.Name[0] == '.' || file.Name.AsSpan().IndexOfAny("/\\:\0") >= 0 || file.Name == CheckpointManifest.FileName)
                throw new CheckpointException(path, $"names a file {CheckpointFormatException.Quote(file.Name)}, expected a name in this folder");
            if (!files.Add(file.Name))
                throw new CheckpointException(path, $"names the file {CheckpointFormatException.Quote(file.Name)} twice");
            if (file.HeaderBytes < SafetensorsHeader.PrefixBytes || file.Bytes < file.HeaderBytes || !BlockChecksums.TryParse(file.HeaderCrc32c, out _))
                throw new CheckpointException(path, $"describes the file {file.Name} wrongly: {file}");
        }

        var tensors = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in manifest.Tensors)
        {
            if (!tensors.Add(tensor.Name))
                throw Wrong(path, tensor, "is there twice");
            Check(path, tensor, files);
        }
    }

    private static void Check(string path, CheckpointTensor tensor, HashSet<string> files)
    {
        if (tensor.ElementBytes() == 0)
            throw Wrong(path, tensor, $"has dtype {CheckpointFormatException.Quote(tensor.DType)}, which checkpoints do not have");
        long elements = 1;
        foreach (var size in tensor.Shape)
        {
            if (size < 0 || (size > 0 && elements > long.MaxValue / 8 / size))
                throw Wrong(path, tensor, $"has shape {CheckpointFormatException.Show(tensor.Shape)}, which cannot be");
            elements *= size;
        }

        long next = 0;
        foreach (var piece in tensor.Pieces)
        {
            if (!files.Contains(piece.File))
                throw Wrong(path, tensor, $"is said to be in {CheckpointFormatException.Quote(piece.File)}, which is not a file of the checkpoint");
            if (piece.First != next || piece.Elements <= 0 || piece.Elements > elements - next)
                throw Wrong(path, tensor, $"has a piece of {piece.Elements} elements from {piece.First}, expected one from {next} within {elements}");
            if (BlockChecksums.Parse(piece.Crc32c, piece.Elements * tensor.ElementBytes()) is null)
                throw Wrong(path, tensor, $"has no checksum for each block of its piece from element {piece.First}");
            next += piece.Elements;
        }

        if (next != elements)
            throw Wrong(path, tensor, $"has pieces up to element {next}, expected {elements}");
    }

    private static CheckpointException Wrong(string path, CheckpointTensor tensor, string problem) =>
        new(path, $"tensor {CheckpointFormatException.Quote(tensor.Name)} {problem}");
}

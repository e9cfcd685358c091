namespace NetZero.Checkpoints;

/// <summary>Joins what the ranks have written to the manifest of a checkpoint, and completes it. Rank 0 does so, on whichever thread.</summary>
internal static class ManifestAssembly
{
    // A part appears once a rank has flushed gigabytes; looking more often would only cost.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(5);

    /// <summary>Waits for the parts of all ranks, writes the manifest and gives the checkpoint its name.</summary>
    /// <returns>The bytes of all files.</returns>
    /// <exception cref="IOException">A rank has failed, or the folder cannot be written.</exception>
    public static long Complete(CheckpointFolder root, CheckpointManifest manifest, CancellationToken cancellation)
    {
        var folder = root.Partial(manifest.Step);
        var parts = new List<CheckpointPart>();
        for (var rank = 0; rank < manifest.World.Ranks; rank++)
        {
            CheckpointPart? part;
            while ((part = RankFile.ReadPart(folder, rank)) is null)
            {
                if (cancellation.WaitHandle.WaitOne(LookEvery))
                    cancellation.ThrowIfCancellationRequested();
            }
            parts.Add(part);
        }

        for (var rank = 0; rank < parts.Count; rank++)
            RankFile.RemovePart(folder, rank);
        var bytes = ManifestFile.Write(manifest with { Files = [.. parts.Select(p => p.File)], Tensors = Join(parts) });
        DurableFile.Write(Path.Combine(folder, CheckpointManifest.FileName), bytes);
        root.Commit(manifest.Step);
        return bytes.Length + parts.Sum(p => p.File.Bytes);
    }

    /// <summary>The tensors of all ranks, their pieces together.</summary>
    internal static List<CheckpointTensor> Join(List<CheckpointPart> parts) =>
    [
        .. parts.SelectMany(p => p.Tensors).GroupBy(t => t.Name, StringComparer.Ordinal)
            .Select(same => same.First() with { Pieces = [.. same.SelectMany(t => t.Pieces).OrderBy(p => p.First)] })
            .OrderBy(t => t.Kind != CheckpointTensor.ParameterKind).ThenBy(t => t.Name, StringComparer.Ordinal),
    ];
}

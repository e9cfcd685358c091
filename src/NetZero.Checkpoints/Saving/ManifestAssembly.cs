namespace NetZero.Checkpoints;

/// <summary>Joins what the ranks have written to the manifest of a checkpoint, and completes it. Rank 0 does so, on whichever thread.</summary>
internal static class ManifestAssembly
{
    // A part appears once a rank has flushed gigabytes; looking more often would only cost.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(5);

    /// <summary>Waits for the parts of all ranks, writes the manifest and gives the checkpoint its name.</summary>
    /// <param name="root">Where the checkpoint goes.</param>
    /// <param name="manifest">What is said of it beside the parts.</param>
    /// <param name="failures">Why ranks have failed that could not say so in the folder, by rank; others may add to it meanwhile.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The bytes of all files.</returns>
    /// <exception cref="IOException">A rank has failed, and none writes any more; or the folder cannot be written.</exception>
    public static long Complete(
        CheckpointFolder root, CheckpointManifest manifest, IReadOnlyDictionary<int, string> failures, CancellationToken cancellation)
    {
        var folder = root.Partial(manifest.Step);
        var parts = new List<CheckpointPart>();
        IOException? failure = null;
        for (var rank = 0; rank < manifest.World.Ranks; rank++)
        {
            try
            {
                parts.Add(Wait(folder, rank, failures, cancellation));
            }
            catch (IOException e)
            {
                failure ??= e;
            }
        }

        if (failure is not null)
            throw failure;
        for (var rank = 0; rank < parts.Count; rank++)
            RankFile.RemovePart(folder, rank);
        var bytes = ManifestFile.Write(manifest with { Files = [.. parts.Select(p => p.File)], Tensors = Join(parts) });
        DurableFile.Write(Path.Combine(folder, CheckpointManifest.FileName), bytes);
        root.Commit(manifest.Step);
        return bytes.Length + parts.Sum(p => p.File.Bytes);
    }

    private static CheckpointPart Wait(string folder, int rank, IReadOnlyDictionary<int, string> failures, CancellationToken cancellation)
    {
        while (true)
        {
            // What it has left in the folder says more.
            var failed = failures.TryGetValue(rank, out var reason);
            if (RankFile.ReadPart(folder, rank) is { } part)
                return part;
            if (failed)
                throw new IOException(reason);
            if (cancellation.WaitHandle.WaitOne(LookEvery))
                cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The tensors of all ranks, their pieces together.</summary>
    internal static List<CheckpointTensor> Join(List<CheckpointPart> parts) =>
    [
        .. parts.SelectMany(p => p.Tensors).GroupBy(t => t.Name, StringComparer.Ordinal)
            .Select(same => same.First() with { Pieces = [.. same.SelectMany(t => t.Pieces).OrderBy(p => p.First)] })
            .OrderBy(t => t.Kind != CheckpointTensor.ParameterKind).ThenBy(t => t.Name, StringComparer.Ordinal),
    ];
}

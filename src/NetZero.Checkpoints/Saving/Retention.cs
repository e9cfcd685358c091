namespace NetZero.Checkpoints;

/// <summary>Which checkpoints stay.</summary>
public static class Retention
{
    /// <summary>The steps whose checkpoints may go: all but the newest <paramref name="keepLast"/> and the <paramref name="keepBest"/> with the lowest validation loss.</summary>
    /// <param name="folder">The checkpoints.</param>
    /// <param name="keepLast">How many of the newest stay; 0 is all.</param>
    /// <param name="keepBest">How many of the best stay; among equals the newer one does.</param>
    /// <remarks>Those that cannot be read have no validation loss. They count among the newest: what is damaged is for people to look at.</remarks>
    public static IReadOnlyList<long> Superfluous(CheckpointFolder folder, int keepLast, int keepBest)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(keepLast);
        ArgumentOutOfRangeException.ThrowIfNegative(keepBest);
        var steps = folder.Steps();
        if (keepLast == 0 || steps.Count <= keepLast)
            return [];
        var best = keepBest == 0
            ? []
            : steps.Select(step => (Step: step, Loss: Loss(folder.Of(step)))).Where(c => c.Loss is not null)
                .OrderBy(c => c.Loss).ThenByDescending(c => c.Step).Take(keepBest).Select(c => c.Step).ToHashSet();
        return [.. steps.Skip(keepLast).Where(step => !best.Contains(step))];
    }

    private static double? Loss(string checkpoint)
    {
        try
        {
            return ManifestFile.Read(checkpoint).ValidationLoss is { } loss && double.IsFinite(loss) ? loss : null;
        }
        catch (CheckpointException)
        {
            return null;
        }
    }
}

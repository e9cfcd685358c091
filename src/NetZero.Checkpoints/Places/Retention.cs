namespace NetZero.Checkpoints;

/// <summary>Which checkpoints stay.</summary>
public static class Retention
{
    /// <summary>The steps whose checkpoints may go: all but the newest <paramref name="keepLast"/> and the <paramref name="keepBest"/> with the lowest validation loss.</summary>
    /// <param name="place">The checkpoints.</param>
    /// <param name="keepLast">How many of the newest stay; 0 is all.</param>
    /// <param name="keepBest">How many of the best stay; among equals the newer one does.</param>
    /// <remarks>Those that cannot be read have no validation loss. They count among the newest: what is damaged is for people to look at.</remarks>
    public static IReadOnlyList<long> Superfluous(ICheckpointPlace place, int keepLast, int keepBest)
    {
        ArgumentNullException.ThrowIfNull(place);
        ArgumentOutOfRangeException.ThrowIfNegative(keepLast);
        ArgumentOutOfRangeException.ThrowIfNegative(keepBest);
        if (keepLast == 0)
            return [];
        var steps = place.Steps();
        if (steps.Count <= keepLast)
            return [];
        var best = keepBest == 0
            ? []
            : steps.Select(step => (Step: step, Loss: Loss(place, step))).Where(c => c.Loss is not null)
                .OrderBy(c => c.Loss).ThenByDescending(c => c.Step).Take(keepBest).Select(c => c.Step).ToHashSet();
        return [.. steps.Skip(keepLast).Where(step => !best.Contains(step))];
    }

    private static double? Loss(ICheckpointPlace place, long step)
    {
        try
        {
            using var files = place.Files(step);
            return ManifestFile.Read(files).ValidationLoss is { } loss && double.IsFinite(loss) ? loss : null;
        }
        catch (CheckpointException e) when (e.IsDamage)
        {
            return null;
        }
    }
}

using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>Where a run that is to go on may begin: found before anything is allocated, the same on every rank.</summary>
/// <param name="Place">Where was looked, for people.</param>
/// <param name="Candidates">The checkpoints that may serve, the one to try first in front. None: the run begins at its beginning.</param>
/// <param name="InPlace">Whether the run's own folder goes on, with its files.</param>
/// <param name="InStore">Whether the run's own store goes on.</param>
internal sealed record ResumePlan(string Place, IReadOnlyList<CheckpointReference> Candidates, bool InPlace, bool InStore)
{
    /// <summary>What <c>--resume</c> means without a path: the newest checkpoint of the run's folder, or of its store.</summary>
    public const string Auto = "auto";

    /// <summary>Finds what <paramref name="resume"/> asks for.</summary>
    /// <param name="resume"><see cref="Auto"/>, a checkpoint, a folder of checkpoints, a run's folder, or a place in a store.</param>
    /// <param name="output">The folder that the run writes to, in full.</param>
    /// <param name="stores">The run's stores.</param>
    /// <exception cref="ConfigurationException">There is no such thing, or the store does not answer.</exception>
    /// <exception cref="CheckpointException">The one checkpoint that was asked for is damaged.</exception>
    public static ResumePlan Find(string resume, string output, RunStores stores)
    {
        try
        {
            return resume == Auto ? Newest(output, stores) : RunStores.IsIn(resume) ? InOneStore(resume, output, stores) : InFolder(resume, output);
        }
        catch (IOException e)
        {
            throw new ConfigurationException($"--resume: {e.Message}", e);
        }
    }

    /// <summary>The run's folder that a path given to <c>--resume</c> lies in, if it does: there the run goes on unless another is named.</summary>
    public static string? RunOf(string resume)
    {
        if (RunStores.IsIn(resume))
            return null;
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(resume));
        for (var depth = 0; depth < 3 && path is not null; depth++, path = Path.GetDirectoryName(path))
            if (RunFolder.HoldsRun(path))
                return path;
        return null;
    }

    private static CheckpointFolder Own(string output) => new(Path.Combine(output, RunFolder.CheckpointsFolder));

    // Of the same step, the one in the folder is nearer.
    private static ResumePlan Newest(string output, RunStores stores)
    {
        var own = Own(output);
        var found = own.Steps().Select(step => CheckpointReference.To(own, step));
        if (stores.Own is not { } store)
            return new ResumePlan(own.FullPath, [.. found], InPlace: true, InStore: false);
        return new ResumePlan(
            $"{own.FullPath} or {store.FullPath}", [.. found.Concat(store.Steps().Select(step => CheckpointReference.To(store, step))).OrderByDescending(c => c.Step)],
            InPlace: true, InStore: true);
    }

    private static ResumePlan InOneStore(string resume, string output, RunStores stores)
    {
        var (store, step) = stores.Open("--resume", resume);
        var found = CheckpointLocation.Find(store, step)
            ?? throw new ConfigurationException($"--resume '{resume}': {(step is null ? "no checkpoints are there" : "there is no such checkpoint")}");
        ThrowIfDamaged(found);
        var isOwn = store.FullPath == stores.Own?.FullPath;
        return new ResumePlan(store.FullPath, found.Checkpoints, isOwn && RunFolder.HoldsRun(output), isOwn);
    }

    private static ResumePlan InFolder(string resume, string output)
    {
        if (!Directory.Exists(resume))
            throw new ConfigurationException($"--resume '{resume}': there is no such folder; name a checkpoint, a run's folder, or leave the path out to take the newest of the output folder");
        var found = CheckpointLocation.Find(resume)
            ?? throw new ConfigurationException($"--resume '{resume}' is no checkpoint and holds none; name a folder such as RUN/{RunFolder.CheckpointsFolder}/step-000100");
        ThrowIfDamaged(found);
        var isOwn = found.Place.FullPath == Own(output).FullPath;
        return new ResumePlan(found.Place.FullPath, found.Checkpoints, isOwn, isOwn);
    }

    // Whatever can be known of the only one is said before anything is written.
    private static void ThrowIfDamaged(CheckpointLocation found)
    {
        if (found.IsOne)
            found.Checkpoints[0].Open().Dispose();
    }
}

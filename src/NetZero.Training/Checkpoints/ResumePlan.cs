using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>Where a run that is to go on may begin: found before anything is allocated, the same on every rank.</summary>
/// <param name="Folder">The folder of checkpoints.</param>
/// <param name="Candidates">The checkpoints that may serve, the one to try first in front. None: the run begins at its beginning.</param>
/// <param name="InPlace">Whether they are those of the run's own folder, whose files go on too.</param>
internal sealed record ResumePlan(CheckpointFolder Folder, IReadOnlyList<string> Candidates, bool InPlace)
{
    /// <summary>What <c>--resume</c> means without a path: the newest checkpoint of the run's folder.</summary>
    public const string Auto = "auto";

    /// <summary>Finds what <paramref name="resume"/> asks for.</summary>
    /// <param name="resume"><see cref="Auto"/>, a checkpoint, a folder of checkpoints, or a run's folder.</param>
    /// <param name="output">The folder that the run writes to, in full.</param>
    /// <exception cref="ConfigurationException">There is no such thing, or the folder holds a finished run that has no checkpoints.</exception>
    /// <exception cref="CheckpointException">The one checkpoint that was asked for is damaged.</exception>
    public static ResumePlan Find(string resume, string output)
    {
        var own = new CheckpointFolder(Path.Combine(output, RunFolder.CheckpointsFolder));
        if (resume == Auto)
            return new ResumePlan(own, [.. own.Steps().Select(own.Of)], InPlace: true);
        if (!Directory.Exists(resume))
            throw new ConfigurationException($"--resume '{resume}': there is no such folder; name a checkpoint, a run's folder, or leave the path out to take the newest of the output folder");
        var found = CheckpointLocation.Find(resume)
            ?? throw new ConfigurationException($"--resume '{resume}' is no checkpoint and holds none; name a folder such as RUN/{RunFolder.CheckpointsFolder}/step-000100");

        // Whatever can be known of the only one is said before anything is written.
        if (found.IsOne)
            CheckpointReader.Open(found.Checkpoints[0]).Dispose();
        return new ResumePlan(found.Folder, found.Checkpoints, found.Folder.FullPath == own.FullPath);
    }

    /// <summary>The run's folder that a path given to <c>--resume</c> lies in, if it does: there the run goes on unless another is named.</summary>
    public static string? RunOf(string resume)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(resume));
        for (var depth = 0; depth < 3 && path is not null; depth++, path = Path.GetDirectoryName(path))
            if (RunFolder.HoldsRun(path))
                return path;
        return null;
    }
}

namespace NetZero.Checkpoints;

/// <summary>
/// A checkpoint cannot be used: damaged, incomplete, from a newer version or from another run. The message is one line that names the checkpoint, the file and the tensor where
/// there is one, what was found and what was expected.
/// </summary>
public sealed class CheckpointException : Exception
{
    /// <summary>Reports <paramref name="problem"/> of a checkpoint.</summary>
    /// <param name="checkpoint">The checkpoint's folder, or a file in it.</param>
    /// <param name="problem">What was found and what was expected, as a clause.</param>
    /// <param name="inner">The failure underneath, if any.</param>
    public CheckpointException(string checkpoint, string problem, Exception? inner = null)
        : base($"{checkpoint}: {problem.ReplaceLineEndings(" ")}", inner)
    {
    }

    /// <summary>Reports that bytes of a checkpoint cannot be read. That is damage only where they are not there: a disk or a
    /// share that does not answer, or that may not be asked, says nothing of what it holds, and an older checkpoint would not be read either.</summary>
    internal static CheckpointException Unreadable(string path, Exception reason) => new(path, $"cannot be read: {reason.Message}", reason)
    {
        IsDamage = reason is FileNotFoundException or DirectoryNotFoundException or EndOfStreamException,
    };

    /// <summary>Reports what another rank has found.</summary>
    internal CheckpointException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    /// <summary>Whether bytes are not those that were saved, so that an older checkpoint may serve; otherwise the checkpoint is sound and does not belong to this run.</summary>
    public bool IsDamage { get; init; } = true;
}

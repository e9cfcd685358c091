namespace NetZero.Checkpoints;

/// <summary>Where checkpoints are kept, one for each of some steps: a folder, or a place in an object store.</summary>
public interface ICheckpointPlace
{
    /// <summary>What messages call the place: a folder's path, or <c>s3://BUCKET/PREFIX/</c>.</summary>
    string FullPath { get; }

    /// <summary>What messages call the checkpoint of a step.</summary>
    string Of(long step);

    /// <summary>The steps that there are checkpoints of, sound or not, newest first.</summary>
    /// <exception cref="IOException">The folder cannot be read; the store does not answer, or refuses.</exception>
    IReadOnlyList<long> Steps();

    /// <summary>The files of a step's checkpoint; nothing is read yet.</summary>
    ICheckpointFiles Files(long step);

    /// <summary>Removes a checkpoint.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    void Remove(long step);

    /// <summary>Takes a checkpoint out of the steps without removing its files: it is damaged, or of steps that the run takes once more.</summary>
    /// <returns>Its new name.</returns>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    string SetAside(long step);
}

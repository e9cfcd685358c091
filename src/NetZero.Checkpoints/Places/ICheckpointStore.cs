namespace NetZero.Checkpoints;

/// <summary>A place other than a folder, such as an object store. A checkpoint is there once it is complete, and never in part.</summary>
/// <remarks>Whoever has opened it disposes it.</remarks>
public interface ICheckpointStore : ICheckpointPlace, IDisposable
{
    /// <summary>Brings a checkpoint to the store. What an earlier attempt has brought is not sent again.</summary>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <param name="cancellation">Gives up; what was sent is of use to the next attempt.</param>
    /// <returns>Bytes that were sent.</returns>
    /// <exception cref="CheckpointException">The checkpoint is damaged.</exception>
    /// <exception cref="IOException">The store does not answer, or refuses.</exception>
    Task<long> PushAsync(string checkpoint, CancellationToken cancellation = default);

    /// <summary>Brings a checkpoint from the store into a folder, and verifies it before it has its name there.</summary>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    /// <exception cref="IOException">The store does not answer or has no such checkpoint, or the folder cannot be written.</exception>
    Task<string> PullAsync(long step, CheckpointFolder into, CancellationToken cancellation = default);

    /// <summary>Removes what attempts that nobody will take up again have left: all of steps before <paramref name="step"/> that is no checkpoint.</summary>
    /// <exception cref="IOException">The store does not answer, or refuses.</exception>
    Task RemoveLeftoversAsync(long step, CancellationToken cancellation = default);
}

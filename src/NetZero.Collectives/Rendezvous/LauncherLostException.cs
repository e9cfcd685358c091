namespace NetZero.Collectives;

/// <summary>The launcher of this rank is gone, so nobody waits for its results: it ends.</summary>
public sealed class LauncherLostException : CollectiveException
{
    /// <summary>Says whom it missed.</summary>
    public LauncherLostException(int rank)
        : base($"Rank {rank} ends because its launcher is gone.")
    {
    }
}

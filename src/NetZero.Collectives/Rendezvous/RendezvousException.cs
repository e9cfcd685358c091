namespace NetZero.Collectives;

/// <summary>The ranks of a world do not come together: some are missing, or were started with different things. One line says which.</summary>
public sealed class RendezvousException : CollectiveException
{
    /// <summary>Says what is wrong.</summary>
    public RendezvousException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

namespace NetZero.Collectives;

/// <summary>Something went wrong between ranks.</summary>
public abstract class CollectiveException : Exception
{
    private protected CollectiveException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

namespace NetZero.Collectives;

/// <summary>Stands for an exception of a rank in another process, of which its type and message have come here.</summary>
public sealed class RemoteRankException : Exception
{
    /// <summary>Repeats what the rank said.</summary>
    public RemoteRankException(string typeName, string message)
        : base(message) =>
        TypeName = typeName;

    /// <summary>The full name of the exception's type there.</summary>
    public string TypeName { get; }

    /// <summary>Type and message.</summary>
    public override string ToString() => $"{TypeName}: {Message}";
}

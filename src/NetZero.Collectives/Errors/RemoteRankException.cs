namespace NetZero.Collectives;

/// <summary>Stands for an exception of a rank in another process, of which its type and message have come here.</summary>
public sealed class RemoteRankException : Exception
{
    /// <summary>Repeats what the rank said.</summary>
    public RemoteRankException(string typeName, string message, IReadOnlyList<int>? blamedRanks = null)
        : base(message)
    {
        TypeName = typeName;
        BlamedRanks = blamedRanks ?? [];
    }

    /// <summary>The full name of the exception's type there.</summary>
    public string TypeName { get; }

    /// <summary>Whom the rank blamed (<see cref="CollectiveException.BlamedRanks"/>).</summary>
    public IReadOnlyList<int> BlamedRanks { get; }

    /// <summary>Type and message.</summary>
    public override string ToString() => $"{TypeName}: {Message}";
}

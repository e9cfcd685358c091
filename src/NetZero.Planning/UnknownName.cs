namespace NetZero.Planning;

/// <summary>What is said of a name that is not known: the nearest one that is.</summary>
internal static class UnknownName
{
    public static string Message(string what, string name, IEnumerable<string> known)
    {
        var names = known.ToArray();
        var nearest = names.MinBy(other => EditDistance.Between(name.ToLowerInvariant(), other.ToLowerInvariant()));
        return $"unknown {what} '{name}'; did you mean '{nearest}'? known: {string.Join(", ", names)}";
    }
}

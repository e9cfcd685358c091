using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>Which parameters are frozen and thawed together: those that are fixed, those that the same pattern matches first, and the others.</summary>
/// <param name="frozen">Patterns of what is frozen from the beginning.</param>
/// <param name="freezable">Patterns of what may be frozen later.</param>
internal sealed class FreezeGroups(IReadOnlyList<string> frozen, IReadOnlyList<string> freezable)
{
    // What stands in the place of a pattern in the name of a unit.
    private const string Fixed = "fixed";

    /// <summary>Nothing but fixed parameters is frozen, and only whole blocks can be.</summary>
    public static FreezeGroups None { get; } = new([], []);

    /// <summary>All patterns, those of what is frozen first.</summary>
    public IEnumerable<string> Patterns => frozen.Concat(freezable);

    /// <summary>The groups among some parameters, in the order of their first members.</summary>
    public IEnumerable<FreezeGroup> Split(IReadOnlyList<(string Name, Parameter Parameter)> parameters) => parameters
        .GroupBy(p => (p.Parameter.IsFixed, Pattern: p.Parameter.IsFixed ? Fixed : Patterns.FirstOrDefault(pattern => NamePattern.Matches(pattern, p.Name))))
        .Select(group => new FreezeGroup(group.Key.Pattern, group.Key.IsFixed || (group.Key.Pattern is { } key && frozen.Contains(key)), [.. group]));
}

/// <summary>Parameters that are frozen together.</summary>
/// <param name="Pattern">What they match, or a word for those that are fixed; null for those that match nothing.</param>
/// <param name="IsFrozen">Whether they are frozen from the beginning.</param>
/// <param name="Parameters">The parameters.</param>
internal sealed record FreezeGroup(string? Pattern, bool IsFrozen, IReadOnlyList<(string Name, Parameter Parameter)> Parameters);

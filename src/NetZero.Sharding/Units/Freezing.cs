using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Which flat units a pattern freezes or thaws.</summary>
internal static class Freezing
{
    public const string NothingToTrain = "All parameters are frozen: there is nothing to train; leave some out.";

    /// <summary>The units that change: all of whose parameters match, and which are not so already.</summary>
    /// <exception cref="ArgumentException">Nothing matches, or a unit would be frozen in part.</exception>
    public static HashSet<int> Units(ModelUnits model, string pattern, bool frozen)
    {
        var names = model.Units.SelectMany(u => u.Layout.Placements).Select(p => p.Name);
        if (!names.Any(name => NamePattern.Matches(pattern, name)))
            throw UnitCutter.NoMatch("freezing", pattern, "parameter", names);
        var found = new HashSet<int>();
        for (var i = 0; i < model.Units.Count; i++)
        {
            var unit = model.Units[i];
            var parts = unit.Layout.Placements.ToLookup(p => NamePattern.Matches(pattern, p.Name), p => p.Name);
            if (!parts[true].Any() || unit.IsFrozen == frozen)
                continue;
            if (unit.Layout.Placements[0].Parameter.IsFixed)
                throw new ArgumentException($"The pattern '{pattern}' matches '{parts[true].First()}', which is fixed: it is the base of an adapter and never trained.");
            if (parts[false].Any())
            {
                throw new ArgumentException(
                    $"The pattern '{pattern}' matches '{parts[true].First()}' but not '{parts[false].First()}', and both lie in the flat unit '{unit.Layout.Name}', which is frozen or thawed as a "
                    + $"whole; name the pattern in ShardingOptions.Freezable, so that what it matches lies apart.");
            }

            if (!frozen && !unit.Precision.Parameters.IsFloatingPoint())
            {
                throw new ArgumentException(
                    $"The pattern '{pattern}' would thaw the flat unit '{unit.Layout.Name}', whose parameters are {unit.Precision.Parameters}: only floating-point parameters can be trained; "
                    + "leave them out.");
            }

            found.Add(i);
        }

        return found;
    }
}

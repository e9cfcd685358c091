using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>Cuts the parameters of a block into flat units: those that are treated alike lie in one buffer, in order of registration.</summary>
/// <remarks>The cut depends on names and patterns alone, never on the stage, so that every stage sums norms over the same slices.</remarks>
/// <param name="policy">What is sharded.</param>
/// <param name="shards">Ranks that share a unit.</param>
/// <param name="freezing">Which parameters are frozen and thawed together.</param>
internal sealed class UnitCutter(ShardingPolicy policy, int shards, FreezeGroups freezing)
{
    public IReadOnlyList<UnitPlan> Cut(string block, bool isRoot, IReadOnlyList<(string Name, Parameter Parameter)> parameters)
    {
        var own = policy.For(block, isRoot);
        var replicated = own with { Stage = 0, ReshardAfterForward = default };
        var units = new List<UnitPlan>();
        foreach (var group in freezing.Split(parameters))
            units.AddRange(Cut(Name(block, group, parameters.Count), group, own, replicated));
        if (units.Count == 0)
            units.Add(new UnitPlan(new UnitLayout(block, parameters, shards), replicated));
        return units;
    }

    /// <summary>A pattern that matches nothing is a mistake.</summary>
    /// <exception cref="ArgumentException">One does; the message names it and what there is.</exception>
    public void CheckPatterns(IEnumerable<string> parameters, IEnumerable<string> blocks)
    {
        foreach (var pattern in policy.Ignored)
            if (!parameters.Any(name => NamePattern.Matches(pattern, name)))
                throw NoMatch("ignored", pattern, "parameter", parameters);
        foreach (var pattern in freezing.Patterns)
            if (!parameters.Any(name => NamePattern.Matches(pattern, name)))
                throw NoMatch("freezing", pattern, "parameter", parameters);
        foreach (var other in policy.Overrides)
            if (!blocks.Any(name => NamePattern.Matches(other.Units, name)))
                throw NoMatch("override's", other.Units, "unit", blocks);
    }

    public static ArgumentException NoMatch(string use, string pattern, string what, IEnumerable<string> names) =>
        new($"The {use} pattern '{pattern}' matches no {what} of the model; {what}s are named {NamePattern.Sample([.. names])}.");

    // What of a block is frozen as a group is named after it, unless it is the whole block.
    private static string Name(string block, FreezeGroup group, int blockParameters) =>
        group.Pattern is { } pattern && group.Parameters.Count < blockParameters ? $"{block} [{pattern}]" : block;

    private IEnumerable<UnitPlan> Cut(string name, FreezeGroup group, ShardingPolicy own, ShardingPolicy replicated)
    {
        var (ignored, sharded) = (group.Parameters.Where(p => IsIgnored(p.Name)).ToList(), group.Parameters.Where(p => !IsIgnored(p.Name)).ToList());

        // What has no elements has nothing to shard.
        if (sharded.Count > 0)
            yield return Plan(name, sharded, own) is { Layout.Elements: > 0 } plan ? plan : Plan(name, sharded, replicated);
        if (ignored.Count > 0)
            yield return Plan($"{name} (replicated)", ignored, replicated);

        UnitPlan Plan(string unit, IReadOnlyList<(string Name, Parameter Parameter)> members, ShardingPolicy treated) =>
            new(new UnitLayout(unit, members, shards), treated) { IsFrozen = group.IsFrozen };
    }

    private bool IsIgnored(string name) => policy.Ignored.Any(pattern => NamePattern.Matches(pattern, name));
}

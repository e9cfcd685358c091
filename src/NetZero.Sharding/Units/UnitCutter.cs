using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Cuts the parameters of a block into flat units: those that are treated alike lie in one buffer, in order of registration.</summary>
/// <remarks>
/// The cut depends on names, types and patterns alone, never on the stage, so that every stage sums norms over the same slices.
/// Note: types of their own. What has its type from its module or from an override lies in a flat unit with others of that type. While such a unit is frozen from the beginning, that
/// type is all there is of it: no fp32 masters, so 2 bytes a parameter in 16 bits and one where U8 holds codes. What is frozen in the type of the whole run keeps its masters, and
/// loses no bit by being thawed. Codes are the module's business: the engine moves bytes.
/// </remarks>
/// <param name="policy">What is sharded.</param>
/// <param name="shards">Ranks that share a unit.</param>
/// <param name="freezing">Which parameters are frozen and thawed together.</param>
/// <param name="precision">Which types parameters have.</param>
internal sealed class UnitCutter(ShardingPolicy policy, int shards, FreezeGroups freezing, MixedPrecisionPolicy precision)
{
    public IReadOnlyList<UnitPlan> Cut(string block, bool isRoot, IReadOnlyList<(string Name, Parameter Parameter)> parameters)
    {
        var own = policy.For(block, isRoot);
        var replicated = own with { Stage = 0, ReshardAfterForward = default };
        var units = new List<UnitPlan>();
        foreach (var group in freezing.Split(parameters))
            units.AddRange(Cut(Name(block, group, parameters.Count), group, own, replicated));
        if (units.Count == 0)
            units.Add(new UnitPlan(new UnitLayout(block, parameters, shards), replicated, Default));
        return units;
    }

    /// <summary>A pattern that matches nothing is a mistake.</summary>
    /// <exception cref="ArgumentException">One does; the message names it and what there is.</exception>
    /// <param name="named">All parameters.</param>
    /// <param name="blocks">The blocks' names.</param>
    /// <param name="owners">Which block each parameter is in.</param>
    public void CheckPatterns(
        IReadOnlyList<(string Name, Parameter Parameter)> named, IReadOnlyList<string> blocks, IReadOnlyDictionary<Parameter, string> owners)
    {
        var parameters = named.Select(p => p.Name);
        foreach (var pattern in policy.Ignored)
            CheckIgnored(pattern, named, owners);
        foreach (var pattern in freezing.Patterns)
            if (!parameters.Any(name => NamePattern.Matches(pattern, name)))
                throw NoMatch("freezing", pattern, "parameter", parameters);
        foreach (var other in policy.Overrides)
            if (!blocks.Any(name => NamePattern.Matches(other.Units, name)))
                throw NoMatch("override's", other.Units, "unit", blocks);
        policy.CheckOverrides(blocks);
        foreach (var other in precision.Overrides)
            CheckEffect(other, named);
    }

    public static ArgumentException NoMatch(string use, string pattern, string what, IEnumerable<string> names) =>
        new($"The {use} pattern '{pattern}' matches no {what} of the model; {what}s are named {NamePattern.Sample([.. names])}.");

    private void CheckIgnored(
        string pattern, IReadOnlyList<(string Name, Parameter Parameter)> named, IReadOnlyDictionary<Parameter, string> owners)
    {
        var matched = named.Where(p => NamePattern.Matches(pattern, p.Name)).ToList();
        if (matched.Count == 0)
            throw NoMatch("ignored", pattern, "parameter", named.Select(p => p.Name));

        // Alone a rank shares nothing, whatever the policy says.
        if (policy.ShardsSomething && matched.TrueForAll(p => !policy.For(owners[p.Parameter], isRoot: false).ShardsOptimizer))
        {
            throw new ArgumentException(
                $"The ignored pattern '{pattern}' would have no effect: what it matches, such as '{matched[0].Name}', lies in "
                + $"'{owners[matched[0].Parameter]}', which is at stage 0; leave it out.");
        }
    }

    private void CheckEffect(PrecisionOverride other, IReadOnlyList<(string Name, Parameter Parameter)> named)
    {
        var matched = named.Where(p => NamePattern.Matches(other.Parameters, p.Name)).ToList();
        if (matched.Count == 0)
            throw NoMatch("precision override's", other.Parameters, "parameter", named.Select(p => p.Name));
        var rest = precision with { Overrides = [.. precision.Overrides.Where(o => o != other)] };
        var types = freezing.Split(matched)
            .SelectMany(group => group.Parameters, (group, p) => (With: precision.Of(p.Name, p.Parameter, group.IsFrozen), Without: rest.Of(p.Name, p.Parameter, group.IsFrozen)))
            .ToList();
        if (types.TrueForAll(t => t.With == t.Without))
        {
            throw new ArgumentException(
                $"The precision override of '{other.Parameters}' would have no effect: what it matches, such as '{matched[0].Name}', is {types[0].Without} without it; leave it out.");
        }
    }

    // What of a block is frozen as a group is named after it, unless it is the whole block.
    private static string Name(string block, FreezeGroup group, int blockParameters) =>
        group.Pattern is { } pattern && group.Parameters.Count < blockParameters ? $"{block} [{pattern}]" : block;

    // What has the run's types comes first, and gives its name to the block's events; other types are named, unless the whole group has them.
    private IEnumerable<UnitPlan> Cut(string name, FreezeGroup group, ShardingPolicy own, ShardingPolicy replicated)
    {
        var kinds = group.Parameters.GroupBy(p => precision.Of(p.Name, p.Parameter, group.IsFrozen)).OrderBy(kind => kind.Key != Default).ToList();
        return kinds.SelectMany(kind => Cut(kinds.Count > 1 && kind.Key != Default ? $"{name} ({kind.Key})" : name, [.. kind], kind.Key, group.IsFrozen, own, replicated));
    }

    private IEnumerable<UnitPlan> Cut(
        string name, IReadOnlyList<(string Name, Parameter Parameter)> parameters, UnitPrecision types, bool isFrozen, ShardingPolicy own, ShardingPolicy replicated)
    {
        var (ignored, sharded) = (parameters.Where(p => IsIgnored(p.Name)).ToList(), parameters.Where(p => !IsIgnored(p.Name)).ToList());

        // What has no elements has nothing to shard.
        if (sharded.Count > 0)
            yield return Plan(name, sharded, own) is { Layout.Elements: > 0 } plan ? plan : Plan(name, sharded, replicated);
        if (ignored.Count > 0)
            yield return Plan($"{name} (replicated)", ignored, replicated);

        UnitPlan Plan(string unit, IReadOnlyList<(string Name, Parameter Parameter)> members, ShardingPolicy treated) =>
            new(new UnitLayout(unit, members, shards), treated, types) { IsFrozen = isFrozen };
    }

    private UnitPrecision Default => new(DType.F32, precision.ParameterDType, precision.GradientDType, precision.ReduceDType);

    private bool IsIgnored(string name) => policy.Ignored.Any(pattern => NamePattern.Matches(pattern, name));
}

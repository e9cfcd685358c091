namespace NetZero.Nn;

/// <summary>Settings of the parameters whose full names fit a pattern.</summary>
/// <param name="Pattern">Such as <c>h.*.attn.**</c>; see <see cref="NamePattern"/>.</param>
public sealed record ParameterGroup(string Pattern)
{
    /// <summary>Their learning rate before any schedule; the schedule scales it as it scales the optimizer's. Null for the optimizer's.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Their weight decay, whatever their dimensions; null for the optimizer's.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>What is wrong with groups that no parameter belongs to: a message, or null where each group has one.</summary>
    public static string? FindUnused(IReadOnlyList<ParameterGroup> groups, IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(groups);
        ArgumentNullException.ThrowIfNull(names);
        var all = names.ToList();
        var used = all.Select(name => IndexOf(groups, name)).ToHashSet();
        var unused = Enumerable.Range(0, groups.Count).Where(i => !used.Contains(i)).Select(i => groups[i].Pattern).FirstOrDefault();
        return unused is null
            ? null
            : $"the pattern '{unused}' fits no parameter that no earlier group has; parameters are named {NamePattern.Sample(all)}";
    }

    /// <summary>The first group that a name fits; -1 if none.</summary>
    internal static int IndexOf(IReadOnlyList<ParameterGroup> groups, string name)
    {
        for (var i = 0; i < groups.Count; i++)
            if (NamePattern.Matches(groups[i].Pattern, name))
                return i;
        return -1;
    }
}

/// <summary>The settings of one parameter at one step.</summary>
/// <param name="LearningRate">The rate, scheduled.</param>
/// <param name="WeightDecay">The decay; 0 is none.</param>
public readonly record struct ParameterSettings(double LearningRate, double WeightDecay);

/// <summary>Finds each parameter's group.</summary>
internal sealed class ParameterGroups
{
    private readonly OptimizerOptions _options;
    private readonly Dictionary<string, ParameterGroup?> _groups = [];

    /// <exception cref="ArgumentException">A group fits no parameter, or has a rate that no schedule can scale.</exception>
    public ParameterGroups(OptimizerOptions options, IFlatParameters parameters)
    {
        _options = options;
        if (options.Groups.Count == 0)
            return;
        if (ParameterGroup.FindUnused(options.Groups, parameters.Names) is { } problem)
            throw new ArgumentException($"Parameter groups: {problem}.");
        foreach (var name in parameters.Names)
            _groups[name] = ParameterGroup.IndexOf(options.Groups, name) is var i and >= 0 ? options.Groups[i] : null;
        if (options.LearningRate == 0 && options.Groups.Any(group => group.LearningRate > 0))
            throw new ArgumentException("Groups have learning rates of their own, which move with the optimizer's: that must be above 0.");
    }

    /// <summary>The settings of a parameter at the rate that the schedule gave the optimizer.</summary>
    public ParameterSettings Of(FlatRange range, double learningRate)
    {
        var decay = _options.WeightDecayAll || range.Parameter.Shape.Dims >= 2 ? _options.WeightDecay : 0;
        if (!_groups.TryGetValue(range.ParameterName, out var group) || group is null)
            return new(learningRate, decay);
        var rate = group.LearningRate is { } own ? (_options.LearningRate == 0 ? 0 : own * (learningRate / _options.LearningRate)) : learningRate;
        return new(rate, group.WeightDecay ?? decay);
    }
}

namespace NetZero.Nn;

/// <summary>Which linear layers get adapters: PEFT's rules for <c>target_modules</c>, and this library's patterns.</summary>
/// <remarks>
/// A target is <c>all-linear</c>; or a module's full name or the end of one, from a dot on, such as <c>c_attn</c> or <c>attn.c_proj</c>; or, where it has an asterisk or a question
/// mark, a <see cref="NamePattern"/> of full names, such as <c>h.1*.attn.**</c>.
/// </remarks>
public static class LoraTargets
{
    /// <summary>All linear layers. A head that is tied to the embedding is none.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>Whether a target means a module.</summary>
    /// <param name="target">The target.</param>
    /// <param name="module">The module's full name.</param>
    public static bool Matches(string target, string module)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(module);
        return target == AllLinear || (IsPattern(target)
            ? NamePattern.Matches(target, module)
            : module == target || (module.Length > target.Length && module[^(target.Length + 1)] == '.' && module.EndsWith(target, StringComparison.Ordinal)));
    }

    /// <summary>The layers that targets mean, in the model's order.</summary>
    /// <param name="model">The model.</param>
    /// <param name="targets">The targets.</param>
    /// <exception cref="ArgumentException">A target means no linear layer; the message names those that there are.</exception>
    public static IReadOnlyList<(string Name, Linear Layer)> Find(Module model, IReadOnlyList<string> targets)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(targets);
        var linear = model.NamedModules().Where(m => m.Module is Linear).Select(m => (m.Name, Layer: (Linear)m.Module)).DistinctBy(m => m.Layer).ToList();
        var own = linear.Where(l => l.Layer.Adapter is not null).SelectMany(l => (Linear[])[l.Layer.Adapter!.Down, l.Layer.Adapter.Up]).ToHashSet();
        var layers = linear.Where(l => !own.Contains(l.Layer)).ToList();
        foreach (var target in targets)
            if (!layers.Any(layer => Matches(target, layer.Name)))
                throw new ArgumentException(
                    $"target_modules has '{target}', which is no linear layer of the model; these are named {string.Join(", ", Endings(layers).Select(e => $"'{e}'"))}, in full {NamePattern.Sample([.. layers.Select(l => l.Name)])}.");
        return [.. layers.Where(layer => targets.Any(target => Matches(target, layer.Name)))];
    }

    /// <summary>Targets that mean the same to PEFT, which knows no patterns of ours and keeps <c>all-linear</c> to itself: sorted.</summary>
    /// <param name="model">The model, with or without adapters.</param>
    /// <param name="targets">The targets.</param>
    /// <exception cref="ArgumentException">A target means no linear layer.</exception>
    public static IReadOnlyList<string> Portable(Module model, IReadOnlyList<string> targets)
    {
        var found = Find(model, targets);
        var names = targets.Contains(AllLinear) ? Endings(found)
            : targets.Any(IsPattern) ? found.Select(l => l.Name)
            : targets;
        return [.. names.Distinct().Order(StringComparer.Ordinal)];
    }

    private static bool IsPattern(string target) => target.AsSpan().ContainsAny('*', '?');

    private static IEnumerable<string> Endings(IEnumerable<(string Name, Linear Layer)> layers) => layers.Select(l => l.Name[(l.Name.LastIndexOf('.') + 1)..]).Distinct();
}

using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>Which modules are units: those that the model declares, or those whose names match the policy's patterns.</summary>
internal static class UnitDeclarations
{
    public static IReadOnlyList<UnitDeclaration> Of(Module model, ShardingPolicy policy)
    {
        var declared = policy.Units.Count == 0 ? [.. model.Units()] : Matching(model, policy.Units);
        return [.. declared.Where(d => policy.MinimumUnitElements == 0 || d.Module.ParameterCount() >= policy.MinimumUnitElements)];
    }

    private static List<UnitDeclaration> Matching(Module model, IReadOnlyList<string> patterns)
    {
        var conditional = model.Units().Where(d => d.IsConditional).Select(d => d.Module).ToHashSet();
        var modules = model.NamedModules().Where(m => m.Name.Length > 0).ToList();
        foreach (var pattern in patterns)
            if (!modules.Exists(m => NamePattern.Matches(pattern, m.Name)))
                throw UnitCutter.NoMatch("unit", pattern, "module", modules.Select(m => m.Name));
        var found = modules
            .Where(m => patterns.Any(p => NamePattern.Matches(p, m.Name)))
            .Select(m => new UnitDeclaration(m.Name, m.Module, conditional.Contains(m.Module)))
            .ToList();
        foreach (var outer in found)
            if (found.Find(inner => inner.Name.StartsWith(outer.Name + ".", StringComparison.Ordinal)) is { Name: { } name })
                throw new ArgumentException($"Units do not nest, but the patterns {Quoted(patterns)} match both '{outer.Name}' and '{name}' within it; make them match one.");
        return found;
    }

    private static string Quoted(IEnumerable<string> patterns) => string.Join(", ", patterns.Select(p => $"'{p}'"));
}

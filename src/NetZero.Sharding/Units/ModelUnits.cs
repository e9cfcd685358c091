using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>Cuts a model into units: one for each module declared as such, in order, and the root unit with all other parameters.</summary>
internal static class ModelUnits
{
    public const string RootName = "root";

    /// <summary>The root unit first, then the blocks in order of registration.</summary>
    /// <exception cref="ArgumentException">A parameter belongs to two units.</exception>
    public static IReadOnlyList<(Module Module, UnitLayout Layout)> Of(Module model, int worldSize)
    {
        var owners = new Dictionary<Parameter, string>();
        var blocks = new List<(Module Module, UnitLayout Layout)>();
        foreach (var (name, module) in model.Units())
        {
            var parameters = module.NamedParameters().Select(p => ($"{name}.{p.Name}", p.Parameter)).ToList();
            foreach (var (parameterName, parameter) in parameters)
                if (!owners.TryAdd(parameter, name))
                    throw new ArgumentException(
                        $"Parameter '{parameterName}' is shared by the units '{owners[parameter]}' and '{name}'; a shared parameter must lie in one unit. Register it on their parent.");
            blocks.Add((module, new UnitLayout(name, parameters, worldSize)));
        }

        var rest = model.NamedParameters().Where(p => !owners.ContainsKey(p.Parameter)).ToList();
        return [(model, new UnitLayout(RootName, rest, worldSize)), .. blocks];
    }
}

using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>A model cut into blocks, in the order in which a forward pass runs them, and their flat units.</summary>
internal sealed class ModelUnits
{
    public const string RootName = "root";

    private readonly List<UnitPlan> _units = [];
    private readonly List<UnitBlock> _blocks = [];

    private ModelUnits(IReadOnlyList<int> visits) => Visits = visits;

    /// <summary>The flat units: those of the root first, then those of the blocks.</summary>
    public IReadOnlyList<UnitPlan> Units => _units;

    /// <summary>The root block first, then the blocks in order of registration.</summary>
    public IReadOnlyList<UnitBlock> Blocks => _blocks;

    /// <summary>The blocks, without the root, as a forward pass runs them; a module that is registered twice is here twice.</summary>
    public IReadOnlyList<int> Visits { get; }

    /// <summary>Cuts a model: one block for each module that is a unit, and the root with all other parameters.</summary>
    /// <exception cref="ArgumentException">Two blocks share a parameter, units nest, or a pattern of the policy matches nothing.</exception>
    public static ModelUnits Of(Module model, ShardingPolicy policy, int shards, FreezeGroups? freezing = null, MixedPrecisionPolicy? precision = null)
    {
        var declared = UnitDeclarations.Of(model, policy);
        var modules = declared.Select(d => d.Module).Distinct().ToList();
        var units = new ModelUnits([.. declared.Select(d => modules.IndexOf(d.Module) + 1)]);
        var names = model.NamedParameters().ToDictionary(p => p.Parameter, p => p.Name);

        // What the root uses too is the root's: it is whole whenever a block runs.
        var outside = model.ParametersOutside(modules.ToHashSet());
        var owners = outside.ToDictionary(p => p, _ => RootName);
        var cut = new UnitCutter(policy, shards, freezing ?? FreezeGroups.None, precision ?? MixedPrecisionPolicy.Single);
        units.Add(RootName, model, false, cut.Cut(RootName, isRoot: true, [.. names.Where(n => outside.Contains(n.Key)).Select(n => (n.Value, n.Key))]));
        foreach (var module in modules)
        {
            var (name, _, isConditional) = declared.First(d => d.Module == module);
            var own = module.NamedParameters().Where(p => !outside.Contains(p.Parameter)).ToList();
            foreach (var (parameterName, parameter) in own)
                if (!owners.TryAdd(parameter, name))
                {
                    throw new ArgumentException(
                        $"Parameter '{name}.{parameterName}' is shared by the units '{owners[parameter]}' and '{name}'; a shared parameter must lie in one unit. Register it on their parent.");
                }

            units.Add(name, module, isConditional, cut.Cut(name, isRoot: false, [.. own.Select(p => (names[p.Parameter], p.Parameter))]));
        }

        cut.CheckPatterns([.. names.Select(n => (n.Value, n.Key))], [.. units._blocks.Select(b => b.Name)], owners);
        return units;
    }

    /// <summary>The same cut with some units frozen or thawed.</summary>
    public ModelUnits With(IReadOnlySet<int> units, bool frozen)
    {
        var changed = new ModelUnits(Visits);
        changed._blocks.AddRange(_blocks);
        changed._units.AddRange(_units.Select((unit, i) => units.Contains(i) ? unit.With(frozen) : unit));
        return changed;
    }

    private void Add(string name, Module module, bool isConditional, IReadOnlyList<UnitPlan> units)
    {
        _blocks.Add(new UnitBlock(name, module, isConditional, [.. Enumerable.Range(_units.Count, units.Count)]));
        _units.AddRange(units);
    }
}

/// <summary>A module whose parameters are gathered and released together.</summary>
/// <param name="Name">The name of the module, or "root".</param>
/// <param name="Module">The module.</param>
/// <param name="IsConditional">Whether a forward pass may leave it out.</param>
/// <param name="Units">Its flat units, by index: one for each way in which its parameters are treated. The first stands for the block in events.</param>
internal sealed record UnitBlock(string Name, Module Module, bool IsConditional, IReadOnlyList<int> Units)
{
    /// <summary>Whether its forward runs again in the backward pass.</summary>
    public bool Recomputes => Module is Layer { Checkpoint: not null };
}

/// <summary>A flat unit and how it is treated.</summary>
/// <param name="Layout">Where its parameters lie.</param>
/// <param name="Policy">The policy with what overrides and exclusions make of it.</param>
/// <param name="Precision">The types of its values, parameters and gradients.</param>
internal sealed record UnitPlan(UnitLayout Layout, ShardingPolicy Policy, UnitPrecision Precision)
{
    /// <summary>Whether its parameters are frozen: gathered and used, with no gradient and no update.</summary>
    public bool IsFrozen { get; init; }

    /// <summary>Whether it has gradients and is updated.</summary>
    public bool Trains => Layout.Elements > 0 && !IsFrozen;

    /// <summary>The same frozen or thawed; whoever trains has masters, and keeps them.</summary>
    public UnitPlan With(bool frozen) => this with { IsFrozen = frozen, Precision = frozen ? Precision : Precision.Trained };
}

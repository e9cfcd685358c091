using NetZero.Nn;

namespace NetZero.Sharding;

public sealed partial class ShardedModule
{
    /// <summary>The fp32 values of a whole parameter, gathered where they are sharded, until the result is disposed. Every rank calls it alike, between steps or between backward and update.</summary>
    /// <param name="name">The parameter's full name.</param>
    /// <exception cref="ArgumentException">No such parameter.</exception>
    /// <exception cref="InvalidOperationException">A forward or backward is under way: inside the module that owns it the parameter is there.</exception>
    public HeldTensor GatherParameter(string name)
    {
        RequireRest(nameof(GatherParameter));
        var (unit, placement) = Find(name);
        var held = _access.HoldValues(unit);
        return new HeldTensor(Tensors.View(held.Value.Storage, placement.Offset, placement.Parameter.Shape), held.Dispose);
    }

    /// <summary>The whole reduced gradient of a parameter, before clipping by norm, until the result is disposed. Every rank calls it alike, between backward and update.</summary>
    /// <param name="name">The parameter's full name.</param>
    /// <exception cref="ArgumentException">No such parameter, or it is frozen.</exception>
    /// <exception cref="InvalidOperationException">The gradients are not complete.</exception>
    public HeldTensor GatherGradient(string name)
    {
        RequireGradients(nameof(GatherGradient));
        var (unit, placement) = Find(name);
        return _units[unit].IsFrozen
            ? throw new ArgumentException($"Parameter '{name}' is frozen and has no gradient; Unfreeze it before the step.", nameof(name))
            : _access.Gradient(unit, placement, LossScale);
    }

    /// <summary>This rank's part of a parameter; at each stage those of all ranks together are the whole. No collective.</summary>
    /// <param name="name">The parameter's full name.</param>
    /// <exception cref="ArgumentException">No such parameter.</exception>
    public ParameterShard OwnShard(string name)
    {
        var (unit, placement) = Find(name);
        return _access.Own(unit, placement);
    }

    /// <summary>Gathers a block by hand, in the type that it computes in, until the result is disposed, which reshards it. Every rank calls it alike, between steps or between backward and update.</summary>
    /// <param name="block">The block's name, such as <c>h.0</c>, or <c>root</c>.</param>
    /// <exception cref="ArgumentException">No such block.</exception>
    /// <exception cref="InvalidOperationException">A forward or backward is under way: the schedule gathers.</exception>
    public HeldUnits Unshard(string block)
    {
        RequireRest(nameof(Unshard));
        var found = _cut.Blocks.FirstOrDefault(b => b.Name == block)
            ?? throw new ArgumentException($"The model has no block '{block}'; blocks are named {NamePattern.Sample([.. _cut.Blocks.Select(b => b.Name)])}.", nameof(block));
        return _access.Hold(found.Units);
    }

    private (int Unit, ParameterPlacement Placement) Find(string name)
    {
        for (var unit = 0; unit < _units.Length; unit++)
            if (_units[unit].Layout.Placements.FirstOrDefault(p => p.Name == name) is { } placement)
                return (unit, placement);
        throw new ArgumentException(
            $"The model has no parameter '{name}'; parameters are named {NamePattern.Sample([.. _units.SelectMany(u => u.Layout.Placements).Select(p => p.Name)])}.", nameof(name));
    }

    private void RequireRest(string operation)
    {
        if (_executor.IsOpen && !_executor.IsAtUpdate)
            throw new InvalidOperationException($"{operation} while a forward or backward is under way, where the schedule gathers: call it between steps, or between backward and update.");
    }
}

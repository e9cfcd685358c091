using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Whole parameters and gradients by hand, beside what the schedule gathers: counts who holds a unit, gathers it for the first and releases it after the last.</summary>
internal sealed class ParameterAccess(UnitRuntime[] units, ProcessGroup group, TensorContext tensors)
{
    private readonly int[] _holders = new int[units.Length];

    /// <summary>Refuses to go on while somebody holds a unit: the schedule gathers and updates by itself.</summary>
    /// <exception cref="InvalidOperationException">Somebody does.</exception>
    public void RequireNothingHeld(string operation)
    {
        for (var i = 0; i < units.Length; i++)
            if (_holders[i] > 0)
                throw new InvalidOperationException($"{operation} while unit '{units[i].Layout.Name}' is unsharded by hand; dispose what Unshard or GatherParameter returned first.");
    }

    /// <summary>The flat units of a block, whole until the result is disposed.</summary>
    public HeldUnits Hold(IReadOnlyList<int> held)
    {
        foreach (var unit in held)
        {
            if (_holders[unit]++ > 0 || !units[unit].Policy.ShardsParameters)
                continue;
            units[unit].Parameters.StartGather();
            units[unit].Parameters.Wait();
        }

        return new HeldUnits(() => Release(held));
    }

    /// <summary>The values of a flat unit in fp32, widened where they are kept in another type, whole until the result is disposed. [PaddedElements]</summary>
    public HeldTensor HoldValues(int unit)
    {
        var parameters = units[unit].Parameters;
        var areSingle = parameters.Slice.DType == DType.F32;
        if (areSingle && parameters.HoldsAllValues)
            return new HeldTensor(parameters.Values, () => { });
        if (areSingle && parameters.ComputesWithValues)
        {
            var held = Hold([unit]);
            return new HeldTensor(parameters.Whole, held.Dispose);
        }

        var values = parameters.GatherValues();
        return new HeldTensor(values, values.Free);
    }

    /// <summary>The whole reduced gradient of a parameter, in fp32, divided by the scale of the losses that it comes from.</summary>
    public HeldTensor Gradient(int unit, ParameterPlacement placement, double lossScale)
    {
        var (runtime, layout) = (units[unit], units[unit].Layout);
        var (gradients, shape) = (runtime.Gradients, placement.Parameter.Shape);
        var resident = gradients.Resident;
        if (!runtime.Policy.ShardsOptimizer && resident.DType == DType.F32 && lossScale == 1)
            return new HeldTensor(tensors.View(resident.Storage, placement.Offset, shape), () => { });
        var whole = tensors.Empty([layout.PaddedElements], resident.DType, MemoryKind.Gradient, $"{placement.Name} (whole gradient)").Keep();
        if (runtime.Policy.ShardsOptimizer)
            group.AllGather($"{layout.Name} gradient", CollectiveBuffer.Of(gradients.Slice), CollectiveBuffer.Of(whole)).WaitInputs();
        else
            whole.CopyFrom(resident);
        if (resident.DType == DType.F32 && lossScale == 1)
            return new HeldTensor(tensors.View(whole.Storage, placement.Offset, shape), whole.Free);
        var value = tensors.Empty(shape, DType.F32, MemoryKind.Gradient, placement.Name).Keep();
        value.CopyFrom(tensors.View(whole.Storage, placement.Offset, shape, whole.DType));
        if (lossScale != 1)
            value.ScaleInPlace((float)(1 / lossScale));
        whole.Free();
        return new HeldTensor(value, value.Free);
    }

    /// <summary>This rank's part of a parameter: an update changes it in place.</summary>
    public ParameterShard Own(int unit, ParameterPlacement placement)
    {
        var (slice, layout) = (units[unit].Parameters.Slice, units[unit].Layout);
        var range = layout.Ranges(layout.ShardStart(group.Rank), layout.ShardElements).FirstOrDefault(r => r.ParameterName == placement.Name);
        return range is null
            ? new ParameterShard(placement.Name, 0, slice.Slice(0, 0, 0))
            : new ParameterShard(placement.Name, range.ParameterStart, slice.Slice(0, range.Start, range.Length));
    }

    private void Release(IReadOnlyList<int> held)
    {
        foreach (var unit in held)
        {
            if (--_holders[unit] > 0 || !units[unit].Policy.ShardsParameters)
                continue;
            units[unit].Parameters.WaitForReaders();
            units[unit].Parameters.Release();
        }
    }
}

/// <summary>Units that are whole by hand; disposing it lets them go again.</summary>
public sealed class HeldUnits : IDisposable
{
    private Action? _release;

    internal HeldUnits(Action release) => _release = release;

    /// <summary>Reshards: every rank does it alike.</summary>
    public void Dispose()
    {
        var release = _release;
        _release = null;
        release?.Invoke();
    }
}

/// <summary>A whole parameter or gradient; disposing it lets its memory go, unless that is there anyway.</summary>
public sealed class HeldTensor : IDisposable
{
    private readonly HeldUnits _held;

    internal HeldTensor(Tensor value, Action release) => (Value, _held) = (value, new HeldUnits(release));

    /// <summary>The values, of the parameter's shape; not to be written.</summary>
    public Tensor Value { get; }

    /// <inheritdoc cref="HeldUnits.Dispose"/>
    public void Dispose() => _held.Dispose();
}

/// <summary>One rank's part of a parameter.</summary>
/// <param name="Name">The parameter's full name.</param>
/// <param name="Start">The element of the parameter, row-major, that the part begins with.</param>
/// <param name="Values">The values, [n] of the type that they are kept in, F32 but for frozen parameters with a type of their own; a view of the shard; n is 0 on ranks that have no part of it.</param>
public sealed record ParameterShard(string Name, long Start, Tensor Values);

using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>This rank's part of a unit that a small group keeps between forward and backward, so that the backward pass gathers among neighbours.</summary>
/// <remarks>hpZ of ZeRO++ (Wang et al. 2023, section 3.2). It lives in <see cref="MemoryKind.Gathered"/> from the end of the forward to the release after the backward.</remarks>
internal sealed class SecondCopy(UnitLayout layout, TensorContext context, ProcessGroup group, DType dtype)
{
    private readonly Storage _part = context.Reserve($"{layout.Name} (second copy)", layout.PaddedElements / group.Size * dtype.SizeInBytes(), MemoryKind.Gathered);
    private Work? _gather;

    /// <summary>Whether there is one.</summary>
    public bool Exists => _part.IsResident;

    /// <summary>Whether neighbours may still be reading it.</summary>
    public bool IsInFlight => _gather is { IsCompleted: false };

    private long Elements => layout.PaddedElements / group.Size;

    /// <summary>Copies this rank's part out of the gathered unit, unless it has it already.</summary>
    public void TakeFrom(Tensor whole)
    {
        if (Exists)
            return;
        _part.Materialize();
        Part().CopyFrom(context.View(whole.Storage, group.Rank * Elements, [Elements], dtype));
    }

    /// <summary>Starts gathering the unit within the group.</summary>
    public Work StartGather(Tensor whole) => _gather = group.AllGather(layout.Name, CollectiveBuffer.Of(Part()), CollectiveBuffer.Of(whole));

    /// <summary>Lets it go, once no neighbour reads it.</summary>
    public void Release()
    {
        _gather?.WaitInputs();
        _gather = null;
        _part.Evict($"the second copy of unit '{layout.Name}' goes with its backward");
    }

    private Tensor Part() => context.View(_part, 0, [Elements], dtype);
}

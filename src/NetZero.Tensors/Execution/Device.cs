namespace NetZero.Tensors;

/// <summary>Where tensors live and kernels run.</summary>
public sealed class Device
{
    private Device(string name, bool hasMemory)
    {
        Name = name;
        HasMemory = hasMemory;
    }

    /// <summary>The processor: native memory, managed SIMD kernels that have finished when the call returns.</summary>
    public static Device Cpu { get; } = new("cpu", hasMemory: true);

    /// <summary>No memory and no arithmetic: shapes, types, the ledger, the schedule and the collectives are those of the real run.</summary>
    public static Device Meta { get; } = new("meta", hasMemory: false);

    /// <summary>The device's name, lower case.</summary>
    public string Name { get; }

    /// <summary>Whether tensors have contents.</summary>
    public bool HasMemory { get; }

    internal Allocator CreateAllocator(BlockSource source) => HasMemory ? new NativeAllocator(source) : new MetaAllocator();

    /// <summary>The device's name.</summary>
    public override string ToString() => Name;
}

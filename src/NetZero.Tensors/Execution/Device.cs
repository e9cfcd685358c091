namespace NetZero.Tensors;

/// <summary>Where tensors live and kernels run.</summary>
/// <remarks>A device gives memory and streams. Everything above this room works on any: it never assumes that a kernel has finished when its call returns.</remarks>
public abstract class Device
{
    /// <summary>Names the device.</summary>
    protected Device(string name) => Name = name;

    /// <summary>The processor: native memory, managed SIMD kernels that have finished when the call returns.</summary>
    public static Device Cpu { get; } = new CpuDevice();

    /// <summary>No memory and no arithmetic: shapes, types, the ledger, the schedule and the collectives are those of the real run.</summary>
    public static Device Meta { get; } = new MetaDevice();

    /// <summary>The device's name, lower case.</summary>
    public string Name { get; }

    /// <summary>Whether tensors have contents.</summary>
    public virtual bool HasMemory => true;

    /// <summary>Whether the host can read and write tensors' memory in place, once the stream has been waited for.</summary>
    public virtual bool SharesHostMemory => false;

    /// <summary>Whether work is done when the call that enqueues it returns, so that nothing needs to be ordered.</summary>
    public virtual bool IsSynchronous => false;

    /// <summary>The kernels that it has; those of the processor unless it says otherwise. See [Note: how a device finds its kernels] in <see cref="KernelRegistry"/>.</summary>
    public virtual KernelRegistry Kernels => KernelRegistry.Processor;

    /// <summary>The allocator of a context.</summary>
    /// <param name="source">Where blocks come from, if they are host memory.</param>
    /// <param name="compute">The stream in whose order blocks are freed.</param>
    public abstract Allocator CreateAllocator(BlockSource source, DeviceStream compute);

    /// <summary>A stream of a context.</summary>
    /// <param name="name">What it is for.</param>
    /// <param name="workers">The threads that kernels of this stream may use, if they run on the processor.</param>
    public abstract DeviceStream CreateStream(string name, WorkerPool workers);

    /// <summary>The device's name.</summary>
    public override string ToString() => Name;

    private sealed class CpuDevice() : Device("cpu")
    {
        public override bool SharesHostMemory => true;

        public override bool IsSynchronous => true;

        public override Allocator CreateAllocator(BlockSource source, DeviceStream compute) => new NativeAllocator(source);

        public override DeviceStream CreateStream(string name, WorkerPool workers) => new InlineStream(name, workers);
    }

    private sealed class MetaDevice() : Device("meta")
    {
        public override bool HasMemory => false;

        public override bool IsSynchronous => true;

        public override Allocator CreateAllocator(BlockSource source, DeviceStream compute) => new MetaAllocator();

        public override DeviceStream CreateStream(string name, WorkerPool workers) => new MetaStream(name);
    }
}

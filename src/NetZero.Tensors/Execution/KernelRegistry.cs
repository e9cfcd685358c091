namespace NetZero.Tensors;

/// <summary>Which kernels a device has, by op and element type.</summary>
/// <remarks>
/// Note: how a device finds its kernels. An op is called as its kernel type is, without the ending "Kernel" and with the rule that it applies (<c>Gemm</c>, <c>Unary Gelu</c>,
/// <c>AdamW</c>); its element type is what <see cref="IKernel.DType"/> says of the call. The device's assembly fills a registry with <see cref="Add(string, DType, DeviceKernel)"/>, the device
/// hands it out as <see cref="Device.Kernels"/>, and its streams ask it with <see cref="Find"/>: an index into an array, once a kernel was found. Devices whose memory the
/// processor reaches may let its code run for the rest, in stream order, with <see cref="AddProcessorCode"/>. Nothing in this room names a device.
/// </remarks>
/// <param name="device">The device's name, for messages.</param>
public sealed class KernelRegistry(string device)
{
    private static readonly DeviceKernel ProcessorCode = static (DeviceStream _, in KernelArguments _) => throw new InvalidOperationException("Code of the processor is run by the stream.");

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Op, DType DType), DeviceKernel> _kernels = [];
    private Func<string, DType, bool> _isProcessorCode = (_, _) => false;
    private volatile DeviceKernel?[] _found = [];

    /// <summary>All ops, as the processor runs them.</summary>
    internal static KernelRegistry Processor { get; } = new KernelRegistry("cpu").AddProcessorCode();

    /// <summary>Registers a kernel of the device.</summary>
    /// <param name="op">The op, such as <c>Gemm</c> or <c>Unary Gelu</c>.</param>
    /// <param name="dtype">The element type that it is for.</param>
    /// <param name="kernel">Enqueues a call.</param>
    /// <exception cref="ArgumentException">There is one for that op and type.</exception>
    public KernelRegistry Add(string op, DType dtype, DeviceKernel kernel)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(op);
        ArgumentNullException.ThrowIfNull(kernel);
        lock (_lock)
        {
            if (!_kernels.TryAdd((op, dtype), kernel))
                throw new ArgumentException($"The device '{device}' has a kernel '{op}' for {dtype} already; register each once.", nameof(op));
            _found = [];
        }

        return this;
    }

    /// <summary>Lets the processor's code run where the device has no kernel of its own.</summary>
    /// <param name="covers">Which ops and types; all unless given.</param>
    public KernelRegistry AddProcessorCode(Func<string, DType, bool>? covers = null)
    {
        lock (_lock)
        {
            _isProcessorCode = covers ?? ((_, _) => true);
            _found = [];
        }

        return this;
    }

    /// <summary>The device's kernel for a call; null where the processor's code is to run.</summary>
    /// <exception cref="MissingKernelException">The device has neither.</exception>
    public DeviceKernel? Find<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel
    {
        var dtype = kernel.DType;
        var found = Entry<TKernel>(dtype) ?? throw new MissingKernelException(KernelName<TKernel>.Value, device, dtype);
        return ReferenceEquals(found, ProcessorCode) ? null : found;
    }

    /// <summary>Whether calls of an op on elements of a type can be run.</summary>
    public bool Has<TKernel>(DType dtype)
        where TKernel : struct, IKernel => Entry<TKernel>(dtype) is not null;

    private DeviceKernel? Entry<TKernel>(DType dtype)
        where TKernel : struct, IKernel
    {
        var slot = (KernelIndex<TKernel>.Value * DTypes.Count) + (int)dtype;
        var found = _found;
        return slot < found.Length && found[slot] is { } known ? known : LookUp(KernelName<TKernel>.Value, dtype, slot);
    }

    private DeviceKernel? LookUp(string op, DType dtype, int slot)
    {
        lock (_lock)
        {
            if (!_kernels.TryGetValue((op, dtype), out var kernel) && _isProcessorCode(op, dtype))
                kernel = ProcessorCode;
            if (kernel is null)
                return null;

            // A copy: others read without the lock.
            var found = new DeviceKernel?[Math.Max(_found.Length, slot + DTypes.Count)];
            _found.CopyTo(found, 0);
            found[slot] = kernel;
            _found = found;
            return kernel;
        }
    }
}

/// <summary>A device was given a call for which it has no kernel.</summary>
public sealed class MissingKernelException : NotSupportedException
{
    /// <summary>Names op, device and element type.</summary>
    public MissingKernelException(string op, string device, DType dtype)
        : base($"The device '{device}' has no kernel '{op}' for {dtype}; register one with KernelRegistry.Add, or compute in a type that it has.") =>
        (Op, DeviceName, DType) = (op, device, dtype);

    /// <summary>The op.</summary>
    public string Op { get; }

    /// <summary>The device.</summary>
    public string DeviceName { get; }

    /// <summary>The element type.</summary>
    public DType DType { get; }
}

/// <summary>A small number for each kernel type, given when it is first asked for: where registries keep what they found.</summary>
internal static class KernelIndex<TKernel>
    where TKernel : struct, IKernel
{
    public static readonly int Value = KernelIndices.Next();
}

/// <summary>Counts kernel types.</summary>
internal static class KernelIndices
{
    private static int _last = -1;

    public static int Next() => Interlocked.Increment(ref _last);
}

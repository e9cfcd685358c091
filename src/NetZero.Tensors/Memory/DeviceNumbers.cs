using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>A few numbers in double precision in device memory: kernels compute with them, ranks add them up, and the host reads them together, if at all.</summary>
/// <remarks>
/// Note: numbers that stay on the device. What a step decides from its own values (the norm of its gradients, the factor that clips them, whether it overflowed, the ratios of
/// layer-wise optimizers) is computed where the values are and consumed by later kernels in stream order. So the host enqueues a whole step without waiting, and reads what it wants
/// to know with one <see cref="CopyTo"/> at the end. They count as <see cref="MemoryKind.Workspace"/>.
/// </remarks>
public sealed unsafe class DeviceNumbers
{
    private readonly Tensor _memory;
    private readonly int _first;

    /// <summary>Takes memory, kept until <see cref="Free"/> or the end of the context, and sets all numbers to 0.</summary>
    /// <param name="context">The rank's context.</param>
    /// <param name="count">How many.</param>
    /// <param name="name">What they are, for messages.</param>
    public DeviceNumbers(TensorContext context, int count, string name)
        : this(Memory(context, count, name), 0, count) => Clear();

    private DeviceNumbers(Tensor memory, int first, int count) => (_memory, _first, Count) = (memory, first, count);

    /// <summary>How many numbers.</summary>
    public int Count { get; }

    /// <summary>The rank's context.</summary>
    public TensorContext Context => _memory.Context;

    /// <summary>The first number; null on Meta.</summary>
    public double* Pointer
    {
        get
        {
            var bytes = _memory.Bytes();
            return bytes == null ? null : (double*)bytes + _first;
        }
    }

    /// <summary>Some of the numbers, in the same memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not among these.</exception>
    public DeviceNumbers Slice(int start, int count)
    {
        if (start < 0 || count < 0 || start > Count - count)
            throw new ArgumentOutOfRangeException(nameof(start), $"Numbers [{start}, {start + count}) are not among these {Count}.");
        return new DeviceNumbers(_memory, _first + start, count);
    }

    /// <summary>All become 0.</summary>
    public void Clear() => Context.Launch(new ClearKernel(Pointer, Count * sizeof(double)));

    /// <summary>The first number += <paramref name="weight"/> x, in double precision.</summary>
    /// <param name="x">One element of F32, such as a loss.</param>
    /// <param name="weight">Its weight.</param>
    public void Add(Tensor x, double weight)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Elements != 1)
            throw new ArgumentException($"Add takes a tensor of one element; {x} has {x.Elements:N0}.", nameof(x));
        Context.Launch(new AddNumberKernel(x.Data<float>(), weight, Pointer));
    }

    /// <summary>These become <paramref name="numbers"/>, as many.</summary>
    public void CopyFrom(DeviceNumbers numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (numbers.Count != Count)
            throw new ArgumentException($"{Count} numbers cannot be copied from {numbers.Count}.", nameof(numbers));
        Context.Stream.Copy((nint)numbers.Pointer, (nint)Pointer, Count * sizeof(double));
    }

    /// <summary>These become <paramref name="values"/>, which may be changed as soon as this returns.</summary>
    /// <exception cref="ArgumentException">Their number is not <see cref="Count"/>.</exception>
    public void Set(ReadOnlySpan<double> values)
    {
        if (values.Length != Count)
            throw new ArgumentException($"{Count} numbers cannot be set to {values.Length}.", nameof(values));
        Context.CopyFromHost(values, Pointer);
    }

    /// <summary>Begins to read all numbers, as they are behind everything that was enqueued: one counted host read.</summary>
    /// <returns>What they are waited for with; they may be overwritten in stream order meanwhile.</returns>
    public DeviceNumbersRead BeginRead() => new(Context.Device.HasMemory ? Context.BeginCopyToHost(Pointer, Count) : null, Count);

    /// <summary>Reads all numbers: one counted host read, behind everything that was enqueued. On Meta they are NaN, so that a program that only passes them on can be planned.</summary>
    /// <exception cref="ArgumentException">Their number is not <see cref="Count"/>.</exception>
    public void CopyTo(Span<double> values)
    {
        if (values.Length != Count)
            throw new ArgumentException($"There are {Count} numbers and {values.Length} were asked for.", nameof(values));
        values.Fill(double.NaN);
        if (Context.Device.HasMemory)
            Context.CopyToHost(Pointer, values);
    }

    /// <summary>Reads the only number: one counted host read. NaN on Meta.</summary>
    public double Item()
    {
        double value = 0;
        CopyTo(new Span<double>(ref value));
        return value;
    }

    /// <summary>Gives the memory back, in stream order.</summary>
    public void Free() => _memory.Free();

    // Of bytes: tensors have no elements of double precision.
    private static Tensor Memory(TensorContext context, int count, string name)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Empty([(long)count * sizeof(double)], DType.U8, MemoryKind.Workspace, name).Keep();
    }
}

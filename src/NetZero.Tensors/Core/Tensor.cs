using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>An n-dimensional array: a shape and strides over a <see cref="Storage"/>.</summary>
/// <remarks>
/// Views share storage and cost nothing. User code never disposes tensors: see [Note: who frees a tensor] in <see cref="Tensors.Storage"/>.
/// The ops are extension methods, one file each, in <c>Ops/</c>.
/// </remarks>
public sealed partial class Tensor
{
    private readonly long[]? _strides;

    internal Tensor(TensorContext context, Storage storage, long offset, Shape shape, long[]? strides, DType dtype)
    {
        Context = context;
        Storage = storage;
        Offset = offset;
        Shape = shape;
        DType = dtype;
        _strides = strides;
    }

    /// <summary>The rank's context.</summary>
    public TensorContext Context { get; }

    /// <summary>The memory that this is a view of.</summary>
    public Storage Storage { get; }

    /// <summary>Where in the storage the first element is, in elements.</summary>
    public long Offset { get; }

    /// <summary>The extents.</summary>
    public Shape Shape { get; }

    /// <summary>The element type.</summary>
    public DType DType { get; }

    /// <summary>The number of elements.</summary>
    public long Elements => Shape.Elements;

    /// <summary>The number of dimensions.</summary>
    public int Dims => Shape.Dims;

    /// <summary>The strides in elements, outermost dimension first.</summary>
    public ReadOnlySpan<long> Strides => _strides ?? Shape.ContiguousStrides();

    /// <summary>Whether the elements lie in memory one after the other in row-major order.</summary>
    public bool IsContiguous => _strides is null;

    /// <summary>A pointer to the first element; null on Meta.</summary>
    /// <exception cref="InvalidOperationException">The elements are of another type.</exception>
    /// <exception cref="TensorFreedException">The memory is not there.</exception>
    public unsafe T* Data<T>()
        where T : unmanaged
    {
        if (DTypeOf<T>() != DType)
            throw new InvalidOperationException($"{this} was used as {DTypeOf<T>()}; its elements are {DType}. Cast it first.");
        var pointer = (T*)Storage.PointerFor(Offset);
        return pointer == null ? null : pointer + Offset;
    }

    /// <summary>A pointer to the first byte, whatever the type; null on Meta.</summary>
    public unsafe byte* Bytes()
    {
        var pointer = (byte*)Storage.PointerFor(Offset);
        return pointer == null ? null : pointer + (Offset * DType.SizeInBytes());
    }

    /// <summary>A pointer to the first element for kernels that take any floating-point type; null on Meta.</summary>
    /// <exception cref="InvalidOperationException">The elements are not floating point.</exception>
    internal unsafe FloatPointer Floats() => DType.IsFloatingPoint()
        ? new FloatPointer(Bytes(), DType)
        : throw new InvalidOperationException($"{this} was used as floating point; its elements are {DType}. Cast it first.");

    /// <summary>
    /// Keeps this tensor beyond the scope that made it, until <see cref="Free"/> or the end of the context. After that scope's end too, as long
    /// as a backward pass still holds it. Nothing happens to reserved memory, which belongs to whoever reserved it.
    /// </summary>
    /// <exception cref="TensorFreedException">Its memory has been freed.</exception>
    public Tensor Keep()
    {
        Storage.Keep();
        return this;
    }

    /// <summary>Lets go of this tensor's memory before its scope ends. Only needed for what was kept.</summary>
    public void Free() => Context.Drop(Storage);

    /// <summary>Such as <c>'Gelu' F32 [2, 3]</c>.</summary>
    public override string ToString() => $"'{Storage.Name}' {DType} {Shape}";

    internal static DType DTypeOf<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            return DType.F32;
        if (typeof(T) == typeof(int))
            return DType.I32;
        if (typeof(T) == typeof(long))
            return DType.I64;
        if (typeof(T) == typeof(byte))
            return DType.U8;
        if (typeof(T) == typeof(Half))
            return DType.F16;
        if (typeof(T) == typeof(BFloat16))
            return DType.BF16;
        throw new NotSupportedException($"No tensor has elements of type {typeof(T).Name}; there are float, int, long, byte, Half and BFloat16.");
    }

    internal Tensor Reinterpret(Shape shape, long[]? strides, long offset)
    {
        if (strides is not null && IsDense(shape, strides))
            strides = null;
        return new Tensor(Context, Storage, offset, shape, strides, DType);
    }

    private static bool IsDense(Shape shape, long[] strides)
    {
        if (shape.Elements == 0)
            return true;
        long expected = 1;
        for (var i = shape.Dims - 1; i >= 0; i--)
        {
            if (shape.Extents[i] != 1 && strides[i] != expected)
                return false;
            expected *= shape.Extents[i];
        }

        return true;
    }
}

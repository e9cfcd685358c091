using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

public sealed partial class TensorContext
{
    private readonly List<Storage> _reserved = [];

    /// <summary>A contiguous tensor with undefined contents.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="dtype">Its element type.</param>
    /// <param name="kind">What its memory is for.</param>
    /// <param name="name">What made it, for messages.</param>
    public Tensor Empty(Shape shape, DType dtype = DType.F32, MemoryKind kind = MemoryKind.Activation, [CallerMemberName] string name = "")
    {
        var storage = new Storage(this, name, shape.Bytes(dtype), kind, scoped: true);
        Adopt(storage);
        return new Tensor(this, storage, 0, shape, null, dtype);
    }

    /// <summary>A contiguous F32 tensor filled with one value.</summary>
    public unsafe Tensor Full(Shape shape, float value, MemoryKind kind = MemoryKind.Activation, [CallerMemberName] string name = "")
    {
        var tensor = Empty(shape, DType.F32, kind, name);
        Launch(new FillKernel(tensor.Data<float>(), shape.Elements, value));
        return tensor;
    }

    /// <summary>A contiguous F32 tensor of zeros.</summary>
    public Tensor Zeros(Shape shape, MemoryKind kind = MemoryKind.Activation) => Full(shape, 0, kind);

    /// <summary>A contiguous tensor with a copy of <paramref name="values"/>.</summary>
    /// <exception cref="ArgumentException">The number of values is not the shape's.</exception>
    public Tensor From<T>(ReadOnlySpan<T> values, Shape shape)
        where T : unmanaged
    {
        var tensor = Empty(shape, Tensor.DTypeOf<T>());
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>A storage without memory, for an owner that gives it memory and takes it away; what is left goes with the context.</summary>
    /// <param name="name">What it holds, for messages.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="kind">What its memory is for.</param>
    /// <param name="explainAbsence">What an access to the view that begins at an element reports while there is no memory; by default what <see cref="Storage.Evict"/> was told.</param>
    public Storage Reserve(string name, long bytes, MemoryKind kind, Func<long, string>? explainAbsence = null)
    {
        var storage = new Storage(this, name, bytes, kind, scoped: false) { ExplainAbsence = explainAbsence };
        _reserved.Add(storage);
        return storage;
    }

    /// <summary>A contiguous tensor over a part of <paramref name="storage"/>, starting at <paramref name="offset"/> elements.</summary>
    /// <exception cref="ArgumentException">The part lies outside the storage.</exception>
    public Tensor View(Storage storage, long offset, Shape shape, DType dtype = DType.F32)
    {
        ArgumentNullException.ThrowIfNull(storage);
        if (offset < 0 || (offset + shape.Elements) * dtype.SizeInBytes() > storage.Bytes)
            throw new ArgumentException($"A view of {shape} at element {offset} does not fit into the {storage.Bytes:N0} bytes of '{storage.Name}'.", nameof(offset));
        return new Tensor(this, storage, offset, shape, null, dtype);
    }
}

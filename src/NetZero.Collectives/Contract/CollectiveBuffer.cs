using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>What a collective sees of a tensor: an address, a length and an element type. It owns nothing.</summary>
/// <remarks>
/// The address is null for tensors on <c>Meta</c>: then no data moves, and everything else (checks, order, counts) is as usual.
/// </remarks>
public readonly unsafe struct CollectiveBuffer
{
    /// <summary>Describes <paramref name="count"/> contiguous elements at <paramref name="pointer"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative count.</exception>
    public CollectiveBuffer(void* pointer, long count, DType dtype)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Pointer = pointer;
        Count = count;
        DType = dtype;
    }

    /// <summary>The first element, or null on <c>Meta</c>.</summary>
    public void* Pointer { get; }

    /// <summary>Elements.</summary>
    public long Count { get; }

    /// <summary>The element type.</summary>
    public DType DType { get; }

    /// <summary>Bytes that the elements take (also on <c>Meta</c>, where none exist).</summary>
    public long Bytes => Count * DType.SizeInBytes();

    /// <summary>Whether the elements exist (they do not on <c>Meta</c>).</summary>
    public bool HasData => Pointer != null;

    /// <summary>The memory of a contiguous tensor, which must stay alive for as long as the call uses it.</summary>
    /// <exception cref="ArgumentException">The tensor is not contiguous.</exception>
    public static CollectiveBuffer Of(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.IsContiguous
            ? new(tensor.Bytes(), tensor.Shape.Elements, tensor.DType)
            : throw new ArgumentException($"Collectives need contiguous memory, found {tensor}; call Contiguous() first.", nameof(tensor));
    }

    /// <summary>The elements [<paramref name="start"/>, <paramref name="start"/> + <paramref name="count"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie within the buffer.</exception>
    public CollectiveBuffer Slice(long start, long count)
    {
        if (start < 0 || count < 0 || start > Count - count)
            throw new ArgumentOutOfRangeException(nameof(start), $"Elements [{start}, {start + count}) are not within the buffer's {Count}.");
        return new(HasData ? (byte*)Pointer + (start * DType.SizeInBytes()) : null, count, DType);
    }

    /// <summary>Whether the two buffers share a byte.</summary>
    internal bool Overlaps(in CollectiveBuffer other) =>
        HasData && other.HasData && (byte*)Pointer < (byte*)other.Pointer + other.Bytes && (byte*)other.Pointer < (byte*)Pointer + Bytes;
}

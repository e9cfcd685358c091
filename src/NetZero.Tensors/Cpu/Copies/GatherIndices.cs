namespace NetZero.Tensors.Cpu;

/// <summary>Indices [outer, count, inner] into dimension 1 of a tensor [outer, extent, inner], I32 or I64, contiguous.</summary>
internal readonly unsafe struct GatherIndices(void* indices, DType dtype, long outer, long extent, long count, long inner)
{
    public long Outer => outer;

    public long Count => count;

    public long Inner => inner;

    /// <summary>Lists them: where they lie, their type, and the sizes.</summary>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(indices);
        arguments.Add(dtype);
        arguments.Add(outer);
        arguments.Add(extent);
        arguments.Add(count);
        arguments.Add(inner);
    }

    /// <summary>How many there are.</summary>
    public long Elements => outer * count * inner;

    /// <summary>Where, in the indexed tensor, the element is that index <paramref name="i"/> names.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside of the dimension.</exception>
    public long SourceOf(long i)
    {
        var index = dtype == DType.I64 ? ((long*)indices)[i] : ((int*)indices)[i];
        if ((ulong)index >= (ulong)extent)
            Throw(i, index);
        var (o, column) = (i / (count * inner), i % inner);
        return (((o * extent) + index) * inner) + column;
    }

    private void Throw(long i, long index) => throw new ArgumentOutOfRangeException(
        nameof(indices),
        $"Gather: index {index} at element {i} is outside of the dimension of extent {extent}; indices go from 0 to {extent - 1}.");
}

using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>Floating-point elements of any format as kernels see them: read and written as floats, a tile at a time, where they lie if they are floats already.</summary>
/// <remarks>
/// Note: 16-bit operands. On CPUs the 16-bit types are storage formats. A kernel widens a few elements at a time into a tile in the first-level cache, computes in fp32 as ever, and
/// rounds each result once when it is stored. So a kernel gives the bits that its fp32 form gives for the widened operands, rounded; and no operand exists in fp32 as a whole.
/// </remarks>
/// <param name="data">The first element; null for an operand that is not there.</param>
/// <param name="dtype">F32, BF16 or F16.</param>
internal readonly unsafe struct FloatPointer(void* data, DType dtype)
{
    /// <summary>Whether there is no such operand.</summary>
    public bool IsNull => data == null;

    /// <summary>Whether elements are floats, so that they are used where they lie.</summary>
    public bool IsFloat => dtype == DType.F32;

    /// <summary>The elements, which are floats.</summary>
    public float* Floats => (float*)data;

    /// <summary>Bytes of one element.</summary>
    public int ElementBytes => IsFloat ? sizeof(float) : sizeof(ushort);

    /// <summary>The first byte.</summary>
    public void* Data => data;

    /// <summary>The element type.</summary>
    public DType DType => dtype;

    public static implicit operator FloatPointer(float* floats) => new(floats, DType.F32);

    /// <summary>The elements from <paramref name="element"/> on; nothing of nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FloatPointer At(long element) => new(data == null ? null : (byte*)data + (element * ElementBytes), dtype);

    /// <summary>One element.</summary>
    public float Get(long element) => dtype switch
    {
        DType.F32 => Floats[element],
        DType.BF16 => (float)((BFloat16*)data)[element],
        _ => (float)((Half*)data)[element],
    };

    /// <summary>Stores one element, rounded.</summary>
    public void Set(long element, float value)
    {
        if (dtype == DType.F32)
            Floats[element] = value;
        else if (dtype == DType.BF16)
            ((BFloat16*)data)[element] = (BFloat16)value;
        else
            ((Half*)data)[element] = (Half)value;
    }

    /// <summary>The first <paramref name="count"/> elements as floats: where they lie, or widened into <paramref name="tile"/>.</summary>
    public float* Read(long count, float* tile)
    {
        if (dtype == DType.F32)
            return Floats;
        if (dtype == DType.BF16)
            HalfFormats.WidenBFloat16((ushort*)data, tile, (int)count);
        else
            HalfFormats.WidenHalf((ushort*)data, tile, (int)count);
        return tile;
    }

    /// <summary>The same for elements <paramref name="stride"/> apart.</summary>
    public float* Read(long stride, int count, float* tile)
    {
        if (dtype == DType.F32)
            return Tile.Read(Floats, stride, tile, count);
        if (stride == 1)
            return Read(count, tile);
        if (stride == 0)
        {
            new Span<float>(tile, count).Fill(Get(0));
            return tile;
        }

        for (var i = 0; i < count; i++)
            tile[i] = Get(i * stride);
        return tile;
    }

    /// <summary>Where floats are written that <see cref="Write(float*, long)"/> stores: where they belong, or <paramref name="tile"/>.</summary>
    public float* Target(float* tile) => dtype == DType.F32 ? Floats : tile;

    /// <summary>Stores what <see cref="Target"/> took; nothing where that is the memory itself.</summary>
    public void Write(float* tile, long count)
    {
        if (dtype == DType.BF16)
            HalfFormats.NarrowToBFloat16(tile, (ushort*)data, (int)count);
        else if (dtype == DType.F16)
            HalfFormats.NarrowToHalf(tile, (ushort*)data, (int)count);
        else if (tile != data)
            Buffer.MemoryCopy(tile, data, count * sizeof(float), count * sizeof(float));
    }

    /// <summary>Stores rows of 16-bit elements.</summary>
    /// <param name="tile">The first row.</param>
    /// <param name="tileStride">Floats from one row to the next.</param>
    /// <param name="stride">Elements here from one row to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Elements of a row.</param>
    public void WriteRows(float* tile, long tileStride, long stride, long rows, int columns)
    {
        if (dtype == DType.BF16)
            HalfFormats.NarrowToBFloat16(tile, tileStride, (ushort*)data, stride, rows, columns);
        else
            HalfFormats.NarrowToHalf(tile, tileStride, (ushort*)data, stride, rows, columns);
    }

    /// <summary>The same for elements <paramref name="stride"/> apart.</summary>
    public void Write(float* tile, long stride, int count)
    {
        if (stride == 1)
            Write(tile, count);
        else if (dtype == DType.F32)
            Tile.Scatter(tile, Floats, stride, count);
        else
            for (var i = 0; i < count; i++)
                Set(i * stride, tile[i]);
    }
}

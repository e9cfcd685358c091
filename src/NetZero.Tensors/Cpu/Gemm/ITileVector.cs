namespace NetZero.Tensors;

/// <summary>One vector width, as the matrix-multiply tiles see it. Struct implementations, so that the JIT makes one tile of each.</summary>
/// <typeparam name="TVector">The register type.</typeparam>
internal unsafe interface ITileVector<TVector>
    where TVector : unmanaged
{
    /// <summary>Floats in one vector.</summary>
    static abstract int Width { get; }

    /// <summary>Rows of the largest register tile, which is two vectors wide: 12 with 32 registers, 6 with 16.</summary>
    static abstract int Rows { get; }

    /// <summary>
    /// Whether tiles broadcast from rows of A as they lie, unpacked. With 6 rows they find all addresses in registers and run as fast as from a
    /// packed panel. 12 rows have too many addresses, and where the stride is a multiple of 4 KiB they displace each other from an 8-way cache.
    /// </summary>
    static abstract bool ReadsRows { get; }

    /// <summary>All lanes 0.</summary>
    static abstract TVector Zero { get; }

    /// <summary>The <see cref="Width"/> floats at <paramref name="source"/>, of any alignment.</summary>
    static abstract TVector Load(float* source);

    /// <summary>The <see cref="Width"/> bfloat16 elements at <paramref name="source"/>, of any alignment, as floats.</summary>
    static abstract TVector LoadBFloat16(ushort* source);

    /// <summary>Writes <see cref="Width"/> floats, of any alignment.</summary>
    static abstract void Store(TVector value, float* target);

    /// <summary>Asks for the cache line at <paramref name="address"/>; does nothing where there is no such instruction.</summary>
    static abstract void Prefetch(float* address);

    /// <summary>One float in all lanes.</summary>
    static abstract TVector Broadcast(float* source);

    /// <summary>left + right.</summary>
    static abstract TVector Add(TVector left, TVector right);

    /// <summary>left · right + addend, in one rounding where the hardware does that, in two elsewhere; never emulated.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    /// <summary>
    /// Reads 4 consecutive floats from each of <see cref="Width"/> rows and writes them as 4 vectors, one per column.
    /// Rows come in groups of 4: group g starts at <c>group_g</c>, and its rows are <paramref name="stride"/> floats apart. Narrower widths
    /// use the first groups only.
    /// </summary>
    static abstract void Transpose(
        float* group0, float* group1, float* group2, float* group3, long stride, float* target, long targetStride);
}

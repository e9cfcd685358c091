namespace NetZero.Tensors.Cpu;

/// <summary>
/// A vector of floats of one width (16, 8, 4 or 1 lanes), so that a formula is written once and compiled for each width.
/// </summary>
/// <remarks>
/// Every operation works lane by lane and rounds alike at each width of one machine, so a lane's result depends on its operands only, not
/// on where in a vector it sits. Comparisons give masks: all bits of a lane set or clear. The <c>...Bits</c> operations read lanes as
/// 32-bit integers.
/// </remarks>
internal unsafe interface ILanes<TSelf>
    where TSelf : struct, ILanes<TSelf>
{
    /// <summary>Lanes in the vector.</summary>
    static abstract int Count { get; }

    /// <summary>The same value in each lane.</summary>
    static abstract TSelf Splat(float value);

    /// <summary>The same 32 bits in each lane.</summary>
    static abstract TSelf SplatBits(uint bits);

    /// <summary>Reads <see cref="Count"/> floats; no alignment needed.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Writes <see cref="Count"/> floats; no alignment needed.</summary>
    static abstract void Store(TSelf value, float* target);

    /// <summary>Reads the first <paramref name="count"/> floats and nothing behind them; the other lanes are 0.</summary>
    static abstract TSelf LoadFirst(float* source, long count);

    /// <summary>Writes the first <paramref name="count"/> floats and nothing behind them.</summary>
    static abstract void StoreFirst(TSelf value, float* target, long count);

    /// <summary>A mask of the first <paramref name="count"/> lanes.</summary>
    static abstract TSelf First(long count);

    /// <summary>
    /// Writes <see cref="Count"/> floats, at a multiple of their size, past the caches where the hardware can: memory that is not read soon need not
    /// be fetched before it is overwritten. Fence before another thread reads it.
    /// </summary>
    static abstract void StoreAround(TSelf value, float* target);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, TSelf b);

    static abstract TSelf operator /(TSelf a, TSelf b);

    /// <summary>a·b + c: one rounding where the hardware fuses, two where it does not (software fusing is 60-90 times slower).</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>The square root.</summary>
    static abstract TSelf Sqrt(TSelf a);

    /// <summary>The larger; NaN when either is.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>The larger, in one instruction; which operand it is when one is NaN depends on the machine.</summary>
    static abstract TSelf MaxNative(TSelf a, TSelf b);

    /// <summary>The smaller; NaN when either is.</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    static abstract TSelf operator &(TSelf a, TSelf b);

    static abstract TSelf operator |(TSelf a, TSelf b);

    static abstract TSelf operator ^(TSelf a, TSelf b);

    /// <summary>Mask of a &lt; b; clear where either is NaN.</summary>
    static abstract TSelf operator <(TSelf a, TSelf b);

    /// <summary>Mask of a &gt; b; clear where either is NaN.</summary>
    static abstract TSelf operator >(TSelf a, TSelf b);

    /// <summary>Mask of a = b; clear where either is NaN.</summary>
    static abstract TSelf Equal(TSelf a, TSelf b);

    /// <summary><paramref name="whenSet"/> where the mask is set, <paramref name="whenClear"/> elsewhere.</summary>
    static abstract TSelf Select(TSelf mask, TSelf whenSet, TSelf whenClear);

    /// <summary>Integer sum of the lanes' bits, wrapping.</summary>
    static abstract TSelf AddBits(TSelf a, TSelf b);

    /// <summary>Integer difference of the lanes' bits, wrapping.</summary>
    static abstract TSelf SubtractBits(TSelf a, TSelf b);

    /// <summary>The lanes' bits moved up by <paramref name="count"/>.</summary>
    static abstract TSelf ShiftLeftBits(TSelf a, int count);

    /// <summary>The lanes' bits moved down by <paramref name="count"/>, the sign bit repeated.</summary>
    static abstract TSelf ShiftRightBits(TSelf a, int count);

    /// <summary>The lanes' bits, read as signed integers, as floats.</summary>
    static abstract TSelf FloatOfBits(TSelf a);

    /// <summary>Reads <see cref="Count"/> signed bytes as the lanes' bits.</summary>
    static abstract TSelf LoadSignedBytes(sbyte* source);

    /// <summary>Writes the lanes' bits, read as signed integers within 16 bits, as signed bytes: what is beyond -128 or 127 as these.</summary>
    static abstract void StoreSignedBytes(TSelf bits, sbyte* target);

    /// <summary>a·2^n for whole n between -151 and 128, rounded once (also where the result is denormal); NaN where a is.</summary>
    static abstract TSelf ScaleByPowerOfTwo(TSelf a, TSelf n);

    /// <summary>The sum of all lanes, halves added to halves: a balanced tree.</summary>
    static abstract float Sum(TSelf a);

    /// <summary>The largest lane; NaN when any is.</summary>
    static abstract float MaxAcross(TSelf a);

    /// <summary>The largest lane by <see cref="MaxNative"/>: for lanes that are not NaN.</summary>
    static abstract float MaxNativeAcross(TSelf a);
}

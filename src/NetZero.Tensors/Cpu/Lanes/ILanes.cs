namespace NetZero.Tensors.Cpu;

/// <summary>
/// The vector operations that a kernel may use, at one width. A kernel is written once over <c>TLanes, TVector</c>; the JIT compiles it
/// for each width into straight vector code (all type arguments are structs, so nothing is virtual).
/// </summary>
/// <remarks>
/// Usage, widest first:
/// <code>
/// if (Lanes512.IsSupported) Rows&lt;Lanes512, Vector512&lt;float&gt;&gt;(...);
/// else if (Lanes256.IsSupported) Rows&lt;Lanes256, Vector256&lt;float&gt;&gt;(...);
/// else Rows&lt;Lanes128, Vector128&lt;float&gt;&gt;(...);
/// </code>
/// The 128-bit width is also the portable one: the runtime emulates it where there is no hardware for it.
/// </remarks>
/// <typeparam name="TVector">The vector of floats: <c>Vector512&lt;float&gt;</c>, <c>Vector256&lt;float&gt;</c> or <c>Vector128&lt;float&gt;</c>.</typeparam>
internal unsafe interface ILanes<TVector>
    where TVector : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>How many vectors wide a tile of four rows may be before its sums no longer fit the registers.</summary>
    static abstract int TileVectors { get; }

    static abstract TVector Load(float* source);

    static abstract void Store(float* target, TVector value);

    /// <summary>All lanes equal to <paramref name="value"/>.</summary>
    static abstract TVector Create(float value);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Subtract(TVector a, TVector b);

    static abstract TVector Multiply(TVector a, TVector b);

    static abstract TVector Divide(TVector a, TVector b);

    static abstract TVector Sqrt(TVector a);

    static abstract TVector Max(TVector a, TVector b);

    /// <summary>a b + c, rounded once where the hardware fuses and twice where it does not.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>The sum of all lanes, in a fixed order.</summary>
    static abstract float Sum(TVector a);

    /// <summary>The largest lane.</summary>
    static abstract float MaxLane(TVector a);
}

/// <summary>What follows from <see cref="ILanes{TVector}"/> at every width.</summary>
internal static unsafe class Lanes
{
    // The widest vector: 16 floats.
    private const int MaxCount = 16;

    /// <summary>Loads <paramref name="count"/> floats (at most a vector) and fills the other lanes with <paramref name="fill"/>.</summary>
    /// <remarks>The end of a row runs through the same vector code as its body, so an element's bits do not depend on its position.</remarks>
    public static TVector LoadPartial<TLanes, TVector>(float* source, long count, float fill = 0)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        var buffer = stackalloc float[MaxCount];
        for (var i = 0; i < TLanes.Count; i++)
            buffer[i] = i < count ? source[i] : fill;
        return TLanes.Load(buffer);
    }

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    public static void StorePartial<TLanes, TVector>(float* target, TVector value, long count)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        var buffer = stackalloc float[MaxCount];
        TLanes.Store(buffer, value);
        for (var i = 0; i < count; i++)
            target[i] = buffer[i];
    }
}

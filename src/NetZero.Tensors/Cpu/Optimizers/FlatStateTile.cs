using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>A block of an optimizer's state as floats and back.</summary>
internal static unsafe class FlatStateTile
{
    /// <summary>Where elements <paramref name="from"/> to <paramref name="to"/> stand as floats: in place, or in the tile.</summary>
    /// <param name="state">The state.</param>
    /// <param name="block">The first element of the block that they lie in.</param>
    /// <param name="from">The first element.</param>
    /// <param name="to">The element behind the last.</param>
    /// <param name="tile">Room for a block: element <paramref name="block"/> is at 0.</param>
    public static float* Read<T>(FlatState state, long block, long from, long to, float* tile)
        where T : struct, ILanes<T>
    {
        var wanted = tile + (from - block);
        if (state.Columns > 0)
        {
            Multiply<T>(state, from, to, wanted);
            return wanted;
        }

        switch (state.DType)
        {
            case DType.F32:
                return (float*)state.Data + from;
            case DType.BF16:
                HalfFormats.WidenBFloat16((ushort*)state.Data + from, wanted, (int)(to - from));
                return wanted;
            default:
                // The whole block: its scale may change, and then the others are coded anew.
                state.Code.Decode<T>((sbyte*)state.Data + block, state.Scales[block / FlatState.BlockElements], tile);
                return wanted;
        }
    }

    /// <summary>Stores them again; factors are only read.</summary>
    public static void Write<T>(FlatState state, long block, long from, long to, float* tile)
        where T : struct, ILanes<T>
    {
        switch (state.DType)
        {
            case DType.F32:
                return;
            case DType.BF16:
                HalfFormats.NarrowToBFloat16(tile + (from - block), (ushort*)state.Data + from, (int)(to - from));
                return;
            default:
                state.Scales[block / FlatState.BlockElements] = state.Code.Encode<T>(tile, (sbyte*)state.Data + block);
                return;
        }
    }

    // Row by row, as the elements lie.
    private static void Multiply<T>(FlatState state, long from, long to, float* products)
        where T : struct, ILanes<T>
    {
        while (from < to)
        {
            var (row, column) = Math.DivRem(from + state.First, state.Columns);
            var count = Math.Min(to - from, state.Columns - column);
            var factor = T.Splat(state.Scales == null ? 1 : state.Scales[row]);
            var columns = (float*)state.Data + column;
            long i = 0;
            for (; i <= count - T.Count; i += T.Count)
                T.Store(T.Load(columns + i) * factor, products + i);
            if (i < count)
                PartialLanes.Store(products + i, PartialLanes.Load<T>(columns + i, count - i) * factor, count - i);
            from += count;
            products += count;
        }
    }
}

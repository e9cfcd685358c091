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

    /// <summary>Stores them again.</summary>
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
}

using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>An elementwise rule on a whole block whose states are 8-bit codes.</summary>
/// <remarks>
/// Note: two passes over a block. A state's scale is known when all of the block is updated. So the first pass decodes, updates and finds
/// the extremes of the new states, all in registers, and leaves these in the first-level cache for the second, which codes them. Bits are
/// those of the passes one after another.
/// </remarks>
internal static unsafe class CodedUpdate<TRule>
    where TRule : struct, IUpdateRule
{
    /// <summary>Whether the states are codes as a rule of theirs keeps them: the first of both signs, the second not negative.</summary>
    public static bool Takes(FlatState first, FlatState second) =>
        TRule.States >= 1 && first.IsCoded && first.Code.IsSigned && (TRule.States < 2 || (second.IsCoded && !second.Code.IsSigned));

    /// <summary>Updates a block.</summary>
    /// <param name="rule">
    /// The rule, read where it is: its numbers are spread over a vector as they are loaded, and leave the registers to what is computed.
    /// </param>
    /// <param name="gradientScale">What gradients are multiplied by.</param>
    /// <param name="p">The block's values.</param>
    /// <param name="g">Its gradients.</param>
    /// <param name="first">The first state.</param>
    /// <param name="second">The second, if the rule has two.</param>
    /// <param name="block">The block's first element.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block<T>(in TRule rule, float gradientScale, float* p, float* g, FlatState first, FlatState second, long block)
        where T : struct, ILanes<T>
    {
        const int length = FlatState.BlockElements;
        var m = stackalloc float[length];
        var v = stackalloc float[length];
        var index = block / length;
        var codes1 = (sbyte*)first.Data + block;
        var codes2 = TRule.States < 2 ? null : (sbyte*)second.Data + block;
        var scale = T.Splat(gradientScale);
        var (scale1, minus1) = (T.Splat(first.Scales[index]), T.Splat(-first.Scales[index]));
        var scale2 = T.Splat(TRule.States < 2 ? 0 : second.Scales[index]);
        T up = T.Splat(0), down = T.Splat(0), most = T.Splat(0);
        for (var i = 0; i < length; i += T.Count)
            Vector(in rule, i, p, g, scale, codes1, scale1, minus1, codes2, scale2, m, v, ref up, ref down, ref most);

        first.Scales[index] = BlockCode.EncodeSigned(m, up, down, codes1);
        if (TRule.States == 2)
            second.Scales[index] = BlockCode.EncodeUnsigned(v, most, codes2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Vector<T>(
        in TRule rule, int i, float* p, float* g, T scale, sbyte* codes1, T scale1, T minus1, sbyte* codes2, T scale2, float* m, float* v,
        ref T up, ref T down, ref T most)
        where T : struct, ILanes<T>
    {
        var pi = T.Load(p + i);
        var mi = BlockCode.SignedValues(codes1 + i, scale1, minus1);
        var vi = TRule.States < 2 ? default : BlockCode.UnsignedValues(codes2 + i, scale2);
        rule.Apply(ref pi, T.Load(g + i) * scale, ref mi, ref vi);
        T.Store(pi, p + i);
        T.Store(mi, m + i);
        BlockCode.Measure(mi, ref up, ref down);
        if (TRule.States < 2)
            return;
        T.Store(vi, v + i);
        BlockCode.MeasureSquares(vi, ref most);
    }
}

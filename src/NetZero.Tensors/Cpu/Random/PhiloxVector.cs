using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors.Cpu;

/// <summary>Sixteen consecutive words of a Philox stream at once: four counters side by side where AVX2 multiplies them.</summary>
internal static unsafe class PhiloxVector
{
    /// <summary>Words that one call makes: four blocks of four.</summary>
    public const int Words = 16;

    /// <summary>The words of counters (<paramref name="block"/> .. <paramref name="block"/> + 3, <paramref name="high"/>), in order.</summary>
    public static void Generate(ulong block, ulong high, ulong key, uint* words)
    {
        if (Avx2.IsSupported)
            GenerateAvx2(block, high, key, words);
        else
            GenerateScalar(block, high, key, words);
    }

    internal static void GenerateScalar(ulong block, ulong high, ulong key, uint* words)
    {
        for (var i = 0; i < Words / 4; i++)
        {
            var four = Philox.Generate(block + (ulong)i, high, key);
            (words[4 * i], words[(4 * i) + 1], words[(4 * i) + 2], words[(4 * i) + 3]) = (four.W0, four.W1, four.W2, four.W3);
        }
    }

    // Each 32-bit word sits in the lower half of a 64-bit lane, because that is where the instruction for 32 x 32 -> 64 bits reads.
    // Upper halves hold rubbish between rounds; the multiplication ignores them and the end masks them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GenerateAvx2(ulong block, ulong high, ulong key, uint* words)
    {
        var counter = Vector256.Create(block, block + 1, block + 2, block + 3);
        var c0 = counter;
        var c1 = counter >> 32;
        var c2 = Vector256.Create(high);
        var c3 = Vector256.Create(high >> 32);
        var m0 = Vector256.Create((ulong)Philox.M0).AsUInt32();
        var m1 = Vector256.Create((ulong)Philox.M1).AsUInt32();
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (var round = 0; round < Philox.Rounds; round++)
        {
            var p0 = Avx2.Multiply(c0.AsUInt32(), m0);
            var p1 = Avx2.Multiply(c2.AsUInt32(), m1);
            c0 = (p1 >> 32) ^ c1 ^ Vector256.Create((ulong)k0);
            c1 = p1;
            c2 = (p0 >> 32) ^ c3 ^ Vector256.Create((ulong)k1);
            c3 = p0;
            k0 += Philox.W0;
            k1 += Philox.W1;
        }

        // Words 0 and 1 of each block side by side, words 2 and 3 too; then the blocks' halves are brought together.
        var lowWord = Vector256.Create((ulong)uint.MaxValue);
        var first = (c0 & lowWord) | (c1 << 32);
        var second = (c2 & lowWord) | (c3 << 32);
        var even = Avx2.UnpackLow(first, second);
        var odd = Avx2.UnpackHigh(first, second);
        even.GetLower().AsUInt32().Store(words);
        odd.GetLower().AsUInt32().Store(words + 4);
        even.GetUpper().AsUInt32().Store(words + 8);
        odd.GetUpper().AsUInt32().Store(words + 12);
    }
}

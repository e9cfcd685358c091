using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// Philox4x32-10: a counter-based generator. Four random words are a pure function of a 128-bit counter and a 64-bit key, so any part of
/// a stream can be made anywhere, in any order, without state.
/// </summary>
/// <remarks>
/// J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 5.
/// One round maps (c0, c1, c2, c3) to (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)); the key grows by the Weyl
/// constants (W0, W1) between rounds.
/// </remarks>
internal static class Philox
{
    // Multipliers found by the paper's search for the best avalanche (table 2); Weyl constants: golden ratio and sqrt(3) - 1, times 2^32.
    internal const uint M0 = 0xD2511F53;
    internal const uint M1 = 0xCD9E8D57;
    internal const uint W0 = 0x9E3779B9;
    internal const uint W1 = 0xBB67AE85;

    /// <summary>Rounds with which the generator passes BigCrush with a safety margin (7 pass).</summary>
    internal const int Rounds = 10;

    /// <summary>The four words of counter (<paramref name="low"/>, <paramref name="high"/>) under <paramref name="key"/>.</summary>
    /// <param name="low">Words 0 and 1 of the counter (word 0 in the lower half).</param>
    /// <param name="high">Words 2 and 3 of the counter.</param>
    /// <param name="key">Word 0 of the key in the lower half, word 1 in the upper.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Block Generate(ulong low, ulong high, ulong key)
    {
        uint c0 = (uint)low, c1 = (uint)(low >> 32), c2 = (uint)high, c3 = (uint)(high >> 32);
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (var round = 0; round < Rounds; round++)
        {
            var p0 = (ulong)M0 * c0;
            var p1 = (ulong)M1 * c2;
            c0 = (uint)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint)p1;
            c2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint)p0;
            k0 += W0;
            k1 += W1;
        }

        return new Block(c0, c1, c2, c3);
    }

    /// <summary>Four random 32-bit words.</summary>
    internal readonly record struct Block(uint W0, uint W1, uint W2, uint W3);
}

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace NetZero.Checkpoints;

/// <summary>CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4), as checkpoints use it: initial value and final complement of all ones.</summary>
/// <remarks>
/// <para><see cref="BitOperations.Crc32C(uint, ulong)"/> is one instruction where the processor has it (SSE 4.2, Armv8 CRC) and a table elsewhere: the same values on every machine.</para>
/// <para>Note: three lanes. That instruction takes three cycles and can begin in each, so one checksum after another would leave two thirds of the time unused. A checksum is linear
/// in its bytes: that of A B C is that of A moved on over as many zeros as B and C are long, and so on. So three neighbouring runs are taken at once and joined with a table
/// that moves a checksum on over one run.</para>
/// </remarks>
public static class Crc32C
{
    // 4 KiB: long enough that joining costs nothing, short enough that three are a small part of a block of 1 MiB.
    private const int LaneWords = 512;

    // What each value of each of the four bytes of a checksum becomes over a lane of zeros.
    private static readonly uint[] Lane = MakeLane();

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The checksum of bytes whose beginning has the checksum <paramref name="crc"/> and that go on with <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        var rest = bytes[(words.Length * sizeof(ulong))..];
        for (; words.Length >= 3 * LaneWords; words = words[(3 * LaneWords)..])
            crc = ThreeLanes(crc, words[..LaneWords], words.Slice(LaneWords, LaneWords), words.Slice(2 * LaneWords, LaneWords));
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, LittleEndian(word));
        foreach (var b in rest)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    private static uint ThreeLanes(uint crc, ReadOnlySpan<ulong> first, ReadOnlySpan<ulong> second, ReadOnlySpan<ulong> third)
    {
        uint crc2 = 0, crc3 = 0;
        for (var i = 0; i < first.Length; i++)
        {
            crc = BitOperations.Crc32C(crc, LittleEndian(first[i]));
            crc2 = BitOperations.Crc32C(crc2, LittleEndian(second[i]));
            crc3 = BitOperations.Crc32C(crc3, LittleEndian(third[i]));
        }

        return OverLane(OverLane(crc) ^ crc2) ^ crc3;
    }

    private static ulong LittleEndian(ulong word) => BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);

    private static uint OverLane(uint crc) => Lane[crc & 255] ^ Lane[256 + ((crc >> 8) & 255)] ^ Lane[512 + ((crc >> 16) & 255)] ^ Lane[768 + (crc >> 24)];

    // Each of the 32 bits by itself, then every byte's values as sums of its bits.
    private static uint[] MakeLane()
    {
        var lane = new uint[4 * 256];
        for (var bit = 0; bit < 32; bit++)
        {
            var moved = 1u << bit;
            for (var i = 0; i < LaneWords; i++)
                moved = BitOperations.Crc32C(moved, 0UL);
            var table = lane.AsSpan(bit / 8 * 256, 256);
            for (var value = 0; value < 256; value++)
                if ((value >> (bit % 8) & 1) != 0)
                    table[value] ^= moved;
        }

        return lane;
    }
}

using System.Numerics;
using System.Runtime.InteropServices;

namespace NetZero.Checkpoints;

/// <summary>CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4), as checkpoints use it: initial value and final complement of all ones.</summary>
/// <remarks>
/// <see cref="BitOperations.Crc32C(uint, ulong)"/> is one instruction where the processor has it (SSE 4.2, Armv8 CRC) and a table elsewhere: the same values on every machine.
/// </remarks>
public static class Crc32C
{
    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The checksum of bytes whose beginning has the checksum <paramref name="crc"/> and that go on with <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word));
        foreach (var b in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}

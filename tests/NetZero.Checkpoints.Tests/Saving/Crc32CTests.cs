using System.Text;

namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>Checksums against published values and against the polynomial's definition.</summary>
public sealed class Crc32CTests
{
    [Fact]
    public void PublishedValues()
    {
        // RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRCs.
        Assert.Equal(0xE3069283u, Crc32C.Of(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Of([.. Enumerable.Repeat((byte)0xFF, 32)]));
        Assert.Equal(0x46DD794Eu, Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0u, Crc32C.Of([]));
    }

    [Fact]
    public void EveryLength_IsTheDivisionBitByBit_WhereverItIsCut()
    {
        var bytes = new byte[67];
        new Random(4).NextBytes(bytes);
        for (var length = 0; length <= bytes.Length; length++)
        {
            var all = bytes.AsSpan(0, length);
            Assert.Equal(BitByBit(all), Crc32C.Of(all));
            Assert.Equal(BitByBit(all), Crc32C.Append(Crc32C.Of(all[..(length / 3)]), all[(length / 3)..]));
        }
    }

    [Theory]
    [InlineData(12287)]
    [InlineData(12288)]
    [InlineData(12289)]
    [InlineData(50_003)]
    public void LongRuns_TakenInLanes_AreTheDivisionBitByBit(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        Assert.Equal(BitByBit(bytes), Crc32C.Of(bytes));
        Assert.Equal(BitByBit(bytes), Crc32C.Append(Crc32C.Of(bytes.AsSpan(0, 101)), bytes.AsSpan(101)));
    }

    private static uint BitByBit(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }
}

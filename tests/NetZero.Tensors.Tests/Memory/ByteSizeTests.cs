namespace NetZero.Tensors.Tests.Memory;

public class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("12B", 12)]
    [InlineData("512MB", 512_000_000)]
    [InlineData("512mb", 512_000_000)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("2 gib", 2L << 30)]
    [InlineData("1.5KiB", 1536)]
    [InlineData("1K", 1000)]
    [InlineData("1Ki", 1024)]
    [InlineData("3TiB", 3L << 40)]
    public void Text_IsBytes(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MB")]
    [InlineData("-1MB")]
    [InlineData("1XB")]
    [InlineData("1iB")]
    [InlineData("1.2.3MB")]
    [InlineData("1MBB")]
    [InlineData("10000000TiB")]
    public void OtherText_IsRefused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "0.98 KiB")]
    [InlineData(1_523_542_016, "1.42 GiB")]
    [InlineData(52_428_800, "50.0 MiB")]
    [InlineData(524_288_000, "500 MiB")]
    public void Bytes_AreShownWithThreeDigits(long bytes, string text) => Assert.Equal(text, ByteSize.Show(bytes));
}

using System.Runtime.InteropServices;
using NetZero.Testing;

namespace NetZero.Checkpoints.Tests;

public sealed class SafetensorsReadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_AnyRange_GivesItsElementsAndReadsItsBytesOnly()
    {
        var values = Enumerable.Range(0, 60).Select(i => i * 1.5f).ToArray();
        using var file = Open("F32", "[3,4,5]", MemoryMarshal.AsBytes<float>(values));
        long read = 0;
        for (var start = 0; start <= values.Length; start++)
        {
            for (var count = 0; count <= values.Length - start; count++)
            {
                var part = new float[count];
                file.Read("t", start, part);
                Assert.Equal(values[start..(start + count)], part);
                Assert.Equal(read += 4 * count, file.BytesRead);
            }
        }
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 61)]
    [InlineData(60, 1)]
    [InlineData(long.MaxValue, 1)]
    public void Read_ARangeOutsideTheTensor_IsRefusedByName(long start, int count)
    {
        using var file = Open("F32", "[60]", new byte[240]);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => file.Read("t", start, new float[count]));
        Assert.Contains("tensor 't'", error.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadBytes("t", 240, new byte[1]));
    }

    [Fact]
    public void Read_EveryHalf_GivesTheSameNumber()
    {
        var bits = Enumerable.Range(0, 65536).Select(i => (ushort)i).ToArray();
        using var file = Open("F16", "[65536]", MemoryMarshal.AsBytes<ushort>(bits));
        var singles = new float[65536];
        file.Read("t", 0, singles);
        for (var i = 0; i < singles.Length; i++)
            Assert.Equal(HalfByDefinition((ushort)i), singles[i]);
        Assert.Equal(2 * 65536, file.BytesRead);
    }

    [Fact]
    public void Read_EveryBfloat16_IsTheUpperHalfOfTheSingle()
    {
        var bits = Enumerable.Range(0, 65536).Select(i => (ushort)i).ToArray();
        using var file = Open("BF16", "[256,256]", MemoryMarshal.AsBytes<ushort>(bits));
        var singles = new float[65535];
        file.Read("t", 1, singles);
        for (var i = 0; i < singles.Length; i++)
            Assert.Equal((uint)(i + 1) << 16, BitConverter.SingleToUInt32Bits(singles[i]));
    }

    [Fact]
    public void Read_ADTypeWithoutConversion_IsNamedAndItsBytesCanStillBeRead()
    {
        using var file = Open("I64", "[2]", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        var error = Assert.Throws<CheckpointFormatException>(() => file.Read("t", 0, new float[2]));
        Assert.Contains("'t' has dtype I64, expected F32, BF16 or F16", error.Message);
        var bytes = new byte[3];
        file.ReadBytes("t", 7, bytes);
        Assert.Equal([8, 9, 10], bytes);
    }

    [Fact]
    public void Read_AnUnknownName_IsNamed()
    {
        using var file = Open("U8", "[1]", [1]);
        Assert.Equal("x", Assert.Throws<CheckpointFormatException>(() => file.Read("x", 0, [])).Tensor);
    }

    [FactOnSystem(TestSystems.Unix, "Windows does not let others write to a file that is open here")]
    public void Read_AFileCutAfterItWasOpened_SaysSo()
    {
        using var file = Open("F32", "[60]", new byte[240]);
        using (var stream = new FileStream(file.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            stream.SetLength(file.HeaderBytes + 100);
        var error = Assert.Throws<CheckpointFormatException>(() => file.Read("t", 0, new float[60]));
        Assert.Contains("cut short since it was opened", error.Message);
    }

    [Fact]
    public void Read_FromSeveralThreads_GivesEachItsRange()
    {
        var values = Enumerable.Range(0, 100_000).Select(i => (float)i).ToArray();
        using var file = Open("F32", "[100000]", MemoryMarshal.AsBytes<float>(values));
        Parallel.For(0, 100, rank =>
        {
            var part = new float[1000];
            file.Read("t", rank * 1000, part);
            Assert.Equal(values[(rank * 1000)..(rank * 1000 + 1000)], part);
        });
        Assert.Equal(400_000, file.BytesRead);
    }

    // IEEE 754 binary16: sign, 5 bits of exponent with bias 15, 10 bits of fraction; exact in double and in single.
    private static float HalfByDefinition(ushort bits)
    {
        var exponent = (bits >> 10) & 31;
        var fraction = (bits & 1023) / 1024.0;
        var magnitude = exponent switch
        {
            0 => fraction * Math.Pow(2, -14),
            31 => fraction == 0 ? double.PositiveInfinity : double.NaN,
            _ => (1 + fraction) * Math.Pow(2, exponent - 15),
        };
        return (float)((bits & 0x8000) != 0 ? -magnitude : magnitude);
    }

    private SafetensorsFile Open(string dtype, string shape, ReadOnlySpan<byte> data)
    {
        var path = _folder["file.safetensors"];
        var header = System.Text.Encoding.UTF8.GetBytes(Bytes.Header(Bytes.Tensor("t", dtype, shape, 0, data.Length)));
        File.WriteAllBytes(path, Bytes.File(header, data.ToArray()));
        return SafetensorsFile.Open(path);
    }
}

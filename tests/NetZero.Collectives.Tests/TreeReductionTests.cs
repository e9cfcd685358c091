using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

public sealed unsafe class TreeReductionTests
{
    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    [InlineData(DType.I64)]
    public void Bits_DoNotDependOnWhereSlicesAreCut(DType dtype)
    {
        // 4,999 elements: two full tiles and a rest; cuts at primes hit every place within vectors and tiles.
        const int count = 4999;
        for (var ranks = 1; ranks <= 17; ranks++)
        {
            var buffers = Enumerable.Range(0, ranks).Select(rank => new TestBuffer(count, dtype).Fill(rank)).ToArray();
            using var result = new TestBuffer(count, dtype);
            foreach (var step in new[] { count, 1, 13, 2039 })
            {
                for (var start = 0; start < count; start += step)
                {
                    var n = Math.Min(step, count - start);
                    var sources = buffers.Select(b => (nint)b.Buffer.Slice(start, n).Pointer).ToArray();
                    TreeReduction.Reduce(dtype, ReduceOp.Sum, sources, [(nint)result.Buffer.Slice(start, n).Pointer], n);
                }

                Assert.Equal(CanonicalTree.Reduce(ranks, count, dtype, ReduceOp.Sum, 0), result.Bytes);
            }

            foreach (var buffer in buffers)
                buffer.Dispose();
        }
    }

    [Fact]
    public void BFloat16_RoundsToNearestEven_OnEveryPath()
    {
        // Every upper half with remainders around the tie, in runs long enough for the vector path and its tail.
        var values = new List<float>();
        foreach (var upper in new uint[] { 0x0000, 0x0001, 0x3F80, 0x3F81, 0x7F7F, 0x8000, 0xC2C7 })
        {
            foreach (var lower in new uint[] { 0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF })
                values.Add(BitConverter.UInt32BitsToSingle((upper << 16) | lower));
        }

        var source = values.ToArray();
        var rounded = new ushort[source.Length];
        fixed (float* from = source)
        fixed (ushort* to = rounded)
            BFloat16AsSingle.Write(from, to, source.Length);
        for (var i = 0; i < source.Length; i++)
        {
            Assert.Equal(CanonicalTree.RoundToBFloat16(source[i]), rounded[i]);
            Assert.Equal(rounded[i], ((BFloat16)source[i]).Bits);
        }
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void NotANumber_SurvivesEveryReduction(DType dtype)
    {
        const int count = 70;
        foreach (var op in Enum.GetValues<ReduceOp>())
        {
            for (var at = 0; at < 3; at++)
            {
                var buffers = Enumerable.Range(0, 3).Select(rank => new TestBuffer(count, dtype).Fill(rank)).ToArray();
                for (var i = 0; i < count; i++)
                    buffers[at].SetElement(i, double.NaN);
                TreeReduction.Reduce(dtype, op, [.. buffers.Select(b => (nint)b.Buffer.Pointer)], [(nint)buffers[0].Buffer.Pointer], count);
                for (var i = 0; i < count; i++)
                    Assert.True(double.IsNaN(buffers[0].GetElement(i)), $"{op}, NaN on rank {at}, element {i}");
                foreach (var buffer in buffers)
                    buffer.Dispose();
            }
        }
    }
}

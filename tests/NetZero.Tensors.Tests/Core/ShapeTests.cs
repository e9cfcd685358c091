namespace NetZero.Tensors.Tests.Core;

public class ShapeTests
{
    [Fact]
    public void Elements_ThatCannotBeCounted_AreRefusedWithTheShape()
    {
        Assert.Equal(long.MaxValue, new long[] { 7, 1317624576693539401 } is var most ? Shape.Create(most).Elements : 0);
        Assert.Contains(
            "shape [4294967296, 4294967296]", Assert.Throws<OverflowException>(() => Shape.Create([1L << 32, 1L << 32])).Message, StringComparison.Ordinal);
        Assert.Throws<OverflowException>(() => Shape.Create([1L << 32, 1L << 31]));
    }

    [Fact]
    public void Bytes_ThatCannotBeCounted_AreRefused_OnMetaToo()
    {
        using var context = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        Assert.Contains("shape [4611686018427387904]", Assert.Throws<OverflowException>(() => context.Empty([1L << 62])).Message, StringComparison.Ordinal);
        context.Empty([1L << 60]);
        context.Empty([1L << 59]);
        Assert.Contains("beside the ", Assert.Throws<OverflowException>(() => context.Empty([1L << 60])).Message, StringComparison.Ordinal);
        Assert.Equal((1L << 62) + (1L << 61), context.Ledger.LiveBytes);
    }
}

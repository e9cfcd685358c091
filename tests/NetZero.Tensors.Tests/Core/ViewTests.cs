namespace NetZero.Tensors.Tests.Core;

public class ViewTests
{
    [Fact]
    public void Views_ShareMemory()
    {
        using var context = new TensorContext();
        var x = context.From<float>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [2, 2, 3]);
        var before = context.Ledger.LiveBytes;
        Assert.Equal([3f, 4, 5, 9, 10, 11], x.Slice(1, 1, 1).ToArray<float>());
        Assert.Equal([0f, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11], x.Permute(1, 2, 0).ToArray<float>());
        Assert.Equal([4, 3], x.Reshape(-1, 3).Shape.Extents.ToArray());
        Assert.Equal(before, context.Ledger.LiveBytes);
    }

    [Fact]
    public void Split_TheLastPartMayBeSmaller()
    {
        using var context = new TensorContext();
        var parts = context.Zeros([2, 5]).Split(2);
        Assert.Equal([[2, 2], [2, 2], [2, 1]], parts.Select(p => p.Shape.Extents.ToArray()).ToArray());
    }

    [Theory]
    [InlineData(1, 2, 3)]
    [InlineData(0, 4, 1)]
    public void Slice_OutsideTheDimension_NamesIt(int dim, long start, long length)
    {
        using var context = new TensorContext();
        var error = Assert.Throws<ArgumentException>(() => context.Zeros([4, 4]).Slice(dim, start, length));
        Assert.Equal($"Slice of 'Zeros' F32 [4, 4]: {length} elements from {start} of dimension {dim} do not lie within its 4.", error.Message);
    }

    [Fact]
    public void Reshape_ToAnotherNumberOfElements_NamesBoth()
    {
        using var context = new TensorContext();
        var error = Assert.Throws<ArgumentException>(() => context.Zeros([4]).Reshape(3, 2));
        Assert.Equal("Reshape of 'Zeros' F32 [4] to [3, 2]: 4 elements would become 6.", error.Message);
    }

    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(1.00390625f, 0x3F80)] // halfway between two neighbours: to the even one
    [InlineData(1.01171875f, 0x3F82)] // halfway again: to the even one above
    [InlineData(float.NegativeInfinity, 0xFF80)]
    [InlineData(3.4e38f, 0x7F80)]
    public void BFloat16_RoundsToNearestEven(float value, int bits) => Assert.Equal(bits, ((BFloat16)value).Bits);

    [Fact]
    public void BFloat16_NaNStaysNaN() => Assert.True(float.IsNaN((float)(BFloat16)BitConverter.Int32BitsToSingle(0x7F800001)));
}

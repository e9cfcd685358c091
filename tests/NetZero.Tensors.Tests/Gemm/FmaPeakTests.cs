namespace NetZero.Tensors.Tests;

public class FmaPeakTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void MeasureGflops_AnyMachine_IsBetweenAScalarUnitAndTheFastestCore(int threads)
    {
        // A 1 GHz scalar core that shares its time ten ways does 0.2; two 512-bit units at 6 GHz do 384.
        Assert.InRange(FmaPeak.MeasureGflops(threads), 0.2, 384.0 * threads);
    }

    [Fact]
    public void MeasureGflops_NoThreads_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => FmaPeak.MeasureGflops(0));
}

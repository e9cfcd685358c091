namespace NetZero.Tensors.Tests.Memory;

public class MemoryLedgerTests
{
    [Fact]
    public void Ledger_CountsRequestedBytesRoundedTo64_ByKind()
    {
        using var context = new TensorContext();
        using (context.BeginScope("a"))
        {
            _ = context.Empty([17], DType.F32, MemoryKind.Optimizer);
            _ = context.Empty([3], DType.U8);
            Assert.Equal(128, context.Ledger.Live(MemoryKind.Optimizer));
            Assert.Equal(64, context.Ledger.Live(MemoryKind.Activation));
        }

        using (context.BeginScope("b"))
            _ = context.Empty([32], DType.F16);
        Assert.Equal(0, context.Ledger.LiveBytes);
        Assert.Equal(192, context.Ledger.PeakBytes);
        Assert.Equal(128, context.Ledger.AtPeak(MemoryKind.Optimizer));
        Assert.Equal(64, context.Ledger.Peak(MemoryKind.Activation));
    }

    [Fact]
    public void Ledger_BeyondTheBudget_ThrowsNamingTheKindsAndAllocatesNothing()
    {
        using var context = new TensorContext(new TensorContextOptions { MemoryBudgetBytes = 1024 });
        _ = context.Empty([128], DType.F32, MemoryKind.Parameter);
        var error = Assert.Throws<MemoryBudgetExceededException>(() => context.Empty([129]));
        Assert.Equal(
            "The memory budget of 1,024 bytes per rank does not hold 576 more bytes of activation beside the 512 that live (parameter 512); " +
            "raise memory_budget, add ranks, or lower the micro-batch.",
            error.Message);
        Assert.Equal(512, context.Ledger.LiveBytes);
    }

    [Fact]
    public void Meta_CountsTheSameBytes_AndHasNoValues()
    {
        using var context = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        var x = context.Zeros([1L << 40]);
        Assert.Equal(4L << 40, context.Ledger.LiveBytes);
        var error = Assert.Throws<MetaTensorException>(() => x.Slice(0, 0, 1).Item());
        Assert.StartsWith("'Zeros' F32 [1] is on the Meta device", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 128)]
    [InlineData(1100, 1152)]
    [InlineData(1_000_000, 1_048_576)]
    [InlineData(1_048_640, 1_048_640)]
    public void SizeClass_IsAtMostAnEighthLarger_AndExactAboveOneMebibyte(long bytes, long size) =>
        Assert.Equal(size, NativeAllocator.SizeClass(bytes));
}

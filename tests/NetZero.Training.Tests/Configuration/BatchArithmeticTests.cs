namespace NetZero.Training.Tests;

public class BatchArithmeticTests
{
    [Theory]
    [InlineData(24, 4, 0, 2, 24, 4, 3)]
    [InlineData(24, 0, 3, 2, 24, 4, 3)]
    [InlineData(0, 4, 3, 2, 24, 4, 3)]
    [InlineData(24, 4, 3, 2, 24, 4, 3)]
    [InlineData(24, 0, 0, 2, 24, 12, 1)]
    [InlineData(0, 4, 0, 3, 12, 4, 1)]
    public void MissingSizes_Follow(int global, int micro, int accumulation, int ranks, int b, int m, int a) =>
        Assert.Equal((b, m, a, null), BatchArithmetic.Complete(global, micro, accumulation, ranks));

    [Theory]
    [InlineData(10, 2, 2, 2,
        "'train_batch_size' is 10, but ranks 2 x train_micro_batch_size_per_gpu 2 x gradient_accumulation_steps 2 = 8; "
        + "change one of them, or leave one out and it follows from the others")]
    [InlineData(10, 4, 0, 2, "'train_batch_size' is 10, which ranks 2 x train_micro_batch_size_per_gpu 4 = 8 does not divide; use 8 or 16")]
    [InlineData(10, 0, 4, 2, "'train_batch_size' is 10, which ranks 2 x gradient_accumulation_steps 4 = 8 does not divide; use 8 or 16")]
    [InlineData(10, 0, 0, 4, "'train_batch_size' is 10, which ranks 4 does not divide; use 8 or 12")]
    [InlineData(3, 0, 0, 4, "'train_batch_size' is 3, which ranks 4 does not divide; use 4")]
    [InlineData(0, 0, 3, 4,
        "no batch size: give 'train_batch_size' or 'train_micro_batch_size_per_gpu', or any two of these and 'gradient_accumulation_steps'")]
    [InlineData(0, int.MaxValue, 2, 1,
        "ranks 1 x train_micro_batch_size_per_gpu 2147483647 x gradient_accumulation_steps 2 = 4294967294 is more than 2147483647; choose less")]
    public void Contradiction_PrintsTheProduct(int global, int micro, int accumulation, int ranks, string problem) =>
        Assert.Equal(problem, BatchArithmetic.Complete(global, micro, accumulation, ranks).Problem);

    [Fact]
    public void Contradiction_ReachesTheUser() =>
        Assert.Equal("the configuration: 'train_batch_size' is 8, which ranks 3 does not divide; use 6 or 9", Configurations.Problem("ranks=3"));
}

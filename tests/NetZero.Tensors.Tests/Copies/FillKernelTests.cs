namespace NetZero.Tensors.Tests.Copies;

[Trait("Category", "Kernel")]
public unsafe class FillKernelTests
{
    [Fact]
    public void FillAndClear_EveryLengthTo130_WriteTheirElementsOnly()
    {
        using var workers = new WorkerPool();
        for (var n = 1; n <= 130; n++)
        {
            var y = new PinnedFloats(n + 8, 5);
            new FillKernel(y.Pointer, n, 2.5f).Run(workers);
            Assert.Equal([.. Enumerable.Repeat(2.5f, n), .. Enumerable.Repeat(5f, 8)], y.ToArray());
            new ClearKernel(y.Pointer, n * sizeof(float)).Run(workers);
            Assert.Equal([.. Enumerable.Repeat(0f, n), .. Enumerable.Repeat(5f, 8)], y.ToArray());
        }
    }
}

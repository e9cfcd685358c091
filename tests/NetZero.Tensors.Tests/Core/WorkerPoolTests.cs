namespace NetZero.Tensors.Tests;

public unsafe class WorkerPoolTests
{
    private readonly struct Increment(int* counts) : IParallelBody
    {
        public void Run(long index, int worker) => Interlocked.Increment(ref counts[index]);
    }

    private readonly struct Fail : IParallelBody
    {
        public void Run(long index, int worker) => throw new InvalidOperationException($"task {index}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void For_AnyNumberOfThreads_RunsEachTaskOnce(int threads)
    {
        using var pool = new WorkerPool(threads);
        var counts = stackalloc int[1000];
        for (var round = 1; round <= 50; round++)
        {
            var body = new Increment(counts);
            pool.For(1000, ref body);
            for (var i = 0; i < 1000; i++)
                Assert.Equal(round, counts[i]);
        }
    }

    // More threads than cores, so that one is often put aside between being done and saying so.
    [Fact]
    public void For_ManyLoopsInARow_NoneReturnsBeforeItsLastTask()
    {
        using var pool = new WorkerPool((2 * Environment.ProcessorCount) + 1);
        var tasks = pool.Threads;
        var counts = stackalloc int[tasks];
        for (var round = 1; round <= 50_000; round++)
        {
            var body = new Increment(counts);
            pool.For(tasks, ref body);
            for (var i = 0; i < tasks; i++)
                Assert.Equal(round, Volatile.Read(ref counts[i]));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void For_ATaskThatThrows_ThrowsItOnTheCallerAndStaysUsable(int threads)
    {
        using var pool = new WorkerPool(threads);
        var fail = default(Fail);
        Assert.Throws<InvalidOperationException>(() => pool.For(10, ref fail));
        var counts = stackalloc int[10];
        var body = new Increment(counts);
        pool.For(10, ref body);
        Assert.Equal(1, counts[9]);
    }
}

namespace NetZero.Tensors.Cpu;

/// <summary>result = 1 when every x[i] is finite, 0 when any is an infinity or NaN.</summary>
internal readonly unsafe struct AllFiniteKernel(float* x, long count, int* result) : IKernel, IParallelBody
{
    public void Run(WorkerPool workers)
    {
        *result = 1;
        var body = this;
        workers.For((count + StridedPlan.ElementsPerTask - 1) / StridedPlan.ElementsPerTask, ref body);
    }

    public void Run(long index, int worker)
    {
        var start = index * StridedPlan.ElementsPerTask;
        var length = Math.Min(StridedPlan.ElementsPerTask, count - start);
        if (!AllFinite(x + start, length))
            Volatile.Write(ref *result, 0);
    }

    // 0·x is 0 for finite x and NaN for any other, and a NaN stays in the sum.
    private static bool AllFinite(float* x, long count)
    {
        if (Lanes16.IsSupported)
            return AllFinite<Lanes16>(x, count);
        if (Lanes8.IsSupported)
            return AllFinite<Lanes8>(x, count);
        return Lanes4.IsSupported ? AllFinite<Lanes4>(x, count) : AllFinite<Lanes1>(x, count);
    }

    private static bool AllFinite<T>(float* x, long count)
        where T : struct, ILanes<T>
    {
        var zero = T.Splat(0f);
        var sum = zero;
        long i = 0;
        for (; i + T.Count <= count; i += T.Count)
            sum += zero * T.Load(x + i);
        var total = T.Sum(sum);
        for (; i < count; i++)
            total += 0f * x[i];
        return total == 0;
    }
}

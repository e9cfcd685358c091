namespace NetZero.Tensors.Cpu;

/// <summary>What <see cref="ReduceKernel{TRule}"/> computes, in double precision.</summary>
internal static unsafe class ReduceReference
{
    /// <summary>The reduction over r of x[outer, r, inner], unscaled.</summary>
    public static double Element<TRule>(float* x, in ReduceShape shape, long outer, long inner)
        where TRule : struct, IReduceRule
    {
        double total = TRule.Identity;
        for (long r = 0; r < shape.Reduced; r++)
            total = TRule.Combine(total, x[(((outer * shape.Reduced) + r) * shape.Inner) + inner]);
        return total;
    }

    /// <summary>Σ x[i]².</summary>
    public static double SumOfSquares(float* x, long count)
    {
        double total = 0;
        for (long i = 0; i < count; i++)
            total += (double)x[i] * x[i];
        return total;
    }
}

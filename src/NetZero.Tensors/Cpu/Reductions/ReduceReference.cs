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

    /// <summary>What <see cref="HostReductionKernel{TRule}"/> computes, one element after the other.</summary>
    public static double OnHost<TRule>(float* x, long count)
        where TRule : struct, IHostReductionRule
    {
        double total = 0;
        for (long i = 0; i < count; i++)
            total = TRule.Add(total, x[i]);
        return total;
    }
}

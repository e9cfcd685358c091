using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y[i] = f(a[i], b[i]), or += when accumulating, over contiguous floats at the machine's widest vectors.</summary>
internal static unsafe class BinaryLoop
{
    /// <summary>Runs the loop; <paramref name="y"/> may be one of the inputs.</summary>
    public static void Run<TRule>(TRule rule, float* a, float* b, float* y, long count, bool accumulate)
        where TRule : struct, IBinaryRule
    {
        if (Lanes16.IsSupported)
            Run<TRule, Lanes16>(rule, a, b, y, count, accumulate);
        else if (Lanes8.IsSupported)
            Run<TRule, Lanes8>(rule, a, b, y, count, accumulate);
        else if (Lanes4.IsSupported)
            Run<TRule, Lanes4>(rule, a, b, y, count, accumulate);
        else
            Run<TRule, Lanes1>(rule, a, b, y, count, accumulate);
    }

    // Optimised at the first call: until a tiered loop is hot, each of its vector operations is a call.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRule, T>(TRule rule, float* a, float* b, float* y, long count, bool accumulate)
        where TRule : struct, IBinaryRule
        where T : struct, ILanes<T>
    {
        long i = 0;
        for (; i + T.Count <= count; i += T.Count)
            Step<TRule, T>(rule, a + i, b + i, y + i, accumulate);
        if (i == count)
            return;

        // The rest goes through whole vectors on the stack: the same instructions, so the same bits wherever an element sits.
        var rest = (int)(count - i);
        var buffer = stackalloc float[3 * T.Count];
        new Span<float>(a + i, rest).CopyTo(new Span<float>(buffer, rest));
        new Span<float>(b + i, rest).CopyTo(new Span<float>(buffer + T.Count, rest));
        new Span<float>(y + i, rest).CopyTo(new Span<float>(buffer + (2 * T.Count), rest));
        Step<TRule, T>(rule, buffer, buffer + T.Count, buffer + (2 * T.Count), accumulate);
        new Span<float>(buffer + (2 * T.Count), rest).CopyTo(new Span<float>(y + i, rest));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TRule, T>(TRule rule, float* a, float* b, float* y, bool accumulate)
        where TRule : struct, IBinaryRule
        where T : struct, ILanes<T>
    {
        var result = rule.Invoke(T.Load(a), T.Load(b));
        if (accumulate)
            result = T.Load(y) + result;
        T.Store(result, y);
    }
}

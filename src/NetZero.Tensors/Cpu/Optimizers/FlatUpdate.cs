using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Runs an elementwise rule over a stretch of flat memory, whatever the formats of its gradients and states.</summary>
/// <remarks>Elements do not depend on their position in the stretch: its end goes through the same vector code. Tasks are cut at fixed elements of the shard, so
/// that no block of codes belongs to two of them.</remarks>
internal readonly unsafe struct FlatUpdate<TRule>(FlatStretch stretch, FlatState first, FlatState second, TRule rule) : IParallelBody
    where TRule : struct, IUpdateRule
{
    // Vectors in one turn of the loop: the rule's numbers are spread over a vector once for all of them, which otherwise costs more than the arithmetic.
    private const int Unroll = 4;

    public void Run(WorkerPool workers)
    {
        if (stretch.Count == 0 || stretch.IsLeftOut)
            return;
        var body = this;
        workers.For(FlatTasks.Count(stretch.End) - FirstTask, ref body);
    }

    private long FirstTask => FlatTasks.Count(stretch.Start + 1) - 1;

    void IParallelBody.Run(long index, int worker)
    {
        var (start, length) = FlatTasks.Part(FirstTask + index, stretch.End);
        var from = Math.Max(start, stretch.Start);
        var to = start + length;
        if (Lanes16.IsSupported)
            Part<Lanes16>(from, to);
        else if (Lanes8.IsSupported)
            Part<Lanes8>(from, to);
        else if (Lanes4.IsSupported)
            Part<Lanes4>(from, to);
        else
            Part<Lanes1>(from, to);
    }

    private void Part<T>(long from, long to)
        where T : struct, ILanes<T>
    {
        if (stretch.Gradients.IsFloat && (TRule.States < 1 || first.IsFloat) && (TRule.States < 2 || second.IsFloat))
        {
            Floats<T>(
                stretch.Values + from, stretch.Gradients.Floats + from, TRule.States < 1 ? null : (float*)first.Data + from,
                TRule.States < 2 ? null : (float*)second.Data + from, to - from);
            return;
        }

        Blocks<T>(from, to);
    }

    // Widened, updated and rounded back block by block. The tiles are written before they are read.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Blocks<T>(long from, long to)
        where T : struct, ILanes<T>
    {
        const int block = FlatState.BlockElements;
        var firstTile = stackalloc float[block];
        var secondTile = stackalloc float[block];
        var gradientTile = stackalloc float[block];
        for (var b = from / block * block; b < to; b += block)
        {
            var (i, end) = (Math.Max(from, b), Math.Min(to, b + block));
            float* s1 = null, s2 = null;
            if (TRule.States >= 1)
                s1 = FlatStateTile.Read<T>(first, b, i, end, firstTile);
            if (TRule.States >= 2)
                s2 = FlatStateTile.Read<T>(second, b, i, end, secondTile);
            Floats<T>(stretch.Values + i, stretch.Gradients.At(i).Read(end - i, gradientTile), s1, s2, end - i);
            if (TRule.States >= 1)
                FlatStateTile.Write<T>(first, b, i, end, firstTile);
            if (TRule.States >= 2)
                FlatStateTile.Write<T>(second, b, i, end, secondTile);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Floats<T>(float* p, float* g, float* s1, float* s2, long count)
        where T : struct, ILanes<T>
    {
        var update = rule;
        var scale = T.Splat(stretch.Scale);
        long i = 0;
        for (; i <= count - (Unroll * T.Count); i += Unroll * T.Count)
        {
            Vector(in update, scale, p, g, s1, s2, i);
            Vector(in update, scale, p, g, s1, s2, i + T.Count);
            Vector(in update, scale, p, g, s1, s2, i + (2 * T.Count));
            Vector(in update, scale, p, g, s1, s2, i + (3 * T.Count));
        }

        for (; i <= count - T.Count; i += T.Count)
            Vector(in update, scale, p, g, s1, s2, i);
        if (i < count)
            Last<T>(p + i, g + i, s1 + i, s2 + i, count - i);
    }

    // By itself: calls in the method of the loop would make it keep its numbers in memory.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Last<T>(float* p, float* g, float* s1, float* s2, long n)
        where T : struct, ILanes<T>
    {
        T first = default, second = default;
        var last = PartialLanes.Load<T>(p, n);
        if (TRule.States >= 1)
            first = PartialLanes.Load<T>(s1, n);
        if (TRule.States >= 2)
            second = PartialLanes.Load<T>(s2, n);
        rule.Apply(ref last, PartialLanes.Load<T>(g, n) * T.Splat(stretch.Scale), ref first, ref second);
        PartialLanes.Store(p, last, n);
        if (TRule.States >= 1)
            PartialLanes.Store(s1, first, n);
        if (TRule.States >= 2)
            PartialLanes.Store(s2, second, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Vector<T>(in TRule update, T scale, float* p, float* g, float* s1, float* s2, long i)
        where T : struct, ILanes<T>
    {
        T first = default, second = default;
        var pi = T.Load(p + i);
        if (TRule.States >= 1)
            first = T.Load(s1 + i);
        if (TRule.States >= 2)
            second = T.Load(s2 + i);
        update.Apply(ref pi, T.Load(g + i) * scale, ref first, ref second);
        T.Store(pi, p + i);
        if (TRule.States >= 1)
            T.Store(first, s1 + i);
        if (TRule.States >= 2)
            T.Store(second, s2 + i);
    }
}

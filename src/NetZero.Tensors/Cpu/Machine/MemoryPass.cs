using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>One pass over memory that does next to nothing with what it reads: how fast bytes come and go.</summary>
/// <param name="pattern">What is read and written.</param>
/// <param name="a">The first array; the target of <see cref="MemoryPattern.Copy"/> and what is only written or read.</param>
/// <param name="b">The second array; the source of a copy.</param>
/// <param name="c">The third array, for <see cref="MemoryPattern.Update"/>.</param>
/// <param name="d">The fourth array, for <see cref="MemoryPattern.Update"/>: only read.</param>
/// <param name="count">Floats of each array, a multiple of 16, at addresses that are multiples of 64.</param>
internal readonly unsafe struct MemoryPass(MemoryPattern pattern, float* a, float* b, float* c, float* d, long count) : IKernel, IParallelBody
{
    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add((long)pattern);
        arguments.Add(a);
        arguments.Add(b);
        arguments.Add(c);
        arguments.Add(d);
        arguments.Add(count);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(count * pattern switch
    {
        MemoryPattern.Copy or MemoryPattern.CopyAround => 2,
        MemoryPattern.Update => 7,
        _ => 1,
    });

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(FlatTasks.Count(count), ref body);
    }

    void IParallelBody.Run(long index, int worker)
    {
        var (start, length) = FlatTasks.Part(index, count);
        if (Lanes16.IsSupported)
            Run<Lanes16>(start, length);
        else if (Lanes8.IsSupported)
            Run<Lanes8>(start, length);
        else if (Lanes4.IsSupported)
            Run<Lanes4>(start, length);
        else
            Run<Lanes1>(start, length);
    }

    private void Run<T>(long start, long length)
        where T : struct, ILanes<T>
    {
        switch (pattern)
        {
            case MemoryPattern.Copy:
                Copy<T>(a + start, b + start, length);
                break;
            case MemoryPattern.CopyAround:
                CopyAround<T>(a + start, b + start, length);
                Interlocked.MemoryBarrier();
                break;
            case MemoryPattern.Read:
                Read<T>(a + start, length);
                break;
            case MemoryPattern.Write:
                Write<T>(a + start, length);
                break;
            case MemoryPattern.WriteAround:
                WriteAround<T>(a + start, length);
                Interlocked.MemoryBarrier();
                break;
            default:
                Update<T>(a + start, b + start, c + start, d + start, length);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy<T>(float* target, float* source, long length)
        where T : struct, ILanes<T>
    {
        for (long i = 0; i < length; i += T.Count)
            T.Store(T.Load(source + i), target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyAround<T>(float* target, float* source, long length)
        where T : struct, ILanes<T>
    {
        for (long i = 0; i < length; i += T.Count)
            T.StoreAround(T.Load(source + i), target + i);
    }

    // Four sums, so that the additions do not wait for each other; stored over the first lane that was read when they are not what they are, so that they are needed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read<T>(float* source, long length)
        where T : struct, ILanes<T>
    {
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        long i = 0;
        for (; i <= length - (4 * T.Count); i += 4 * T.Count)
        {
            s0 += T.Load(source + i);
            s1 += T.Load(source + i + T.Count);
            s2 += T.Load(source + i + (2 * T.Count));
            s3 += T.Load(source + i + (3 * T.Count));
        }

        for (; i < length; i += T.Count)
            s0 += T.Load(source + i);
        if (float.IsNaN(T.Sum((s0 + s1) + (s2 + s3))))
            *source = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write<T>(float* target, long length)
        where T : struct, ILanes<T>
    {
        var value = T.Splat(1);
        for (long i = 0; i < length; i += T.Count)
            T.Store(value, target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteAround<T>(float* target, long length)
        where T : struct, ILanes<T>
    {
        var value = T.Splat(1);
        for (long i = 0; i < length; i += T.Count)
            T.StoreAround(value, target + i);
    }

    // x + 0 d leaves values as they are, whatever they are (but infinite).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Update<T>(float* a, float* b, float* c, float* d, long length)
        where T : struct, ILanes<T>
    {
        var zero = T.Splat(0);
        for (long i = 0; i < length; i += T.Count)
        {
            var di = T.Load(d + i);
            T.Store(T.MultiplyAdd(zero, di, T.Load(a + i)), a + i);
            T.Store(T.MultiplyAdd(zero, di, T.Load(b + i)), b + i);
            T.Store(T.MultiplyAdd(zero, di, T.Load(c + i)), c + i);
        }
    }
}

/// <summary>What a <see cref="MemoryPass"/> reads and writes.</summary>
internal enum MemoryPattern
{
    /// <summary>a = b.</summary>
    Copy,

    /// <summary>a = b, written past the caches.</summary>
    CopyAround,

    /// <summary>The sum of a.</summary>
    Read,

    /// <summary>a = 1.</summary>
    Write,

    /// <summary>a = 1, written past the caches.</summary>
    WriteAround,

    /// <summary>Reads a, b, c and d and writes a, b and c: what AdamW does with parameters, two moments and gradients.</summary>
    Update,
}

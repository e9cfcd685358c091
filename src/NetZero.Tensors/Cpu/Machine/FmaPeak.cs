using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace NetZero.Tensors;

/// <summary>The most fp32 multiply-adds this machine can do: what kernels and training are measured against.</summary>
/// <remarks>
/// Chains of multiply-adds that do not wait for each other and touch no memory, with the widest vectors that matrix multiply uses.
/// Where the processor does not fuse, a multiplication and an addition count as two operations all the same.
/// </remarks>
public static class FmaPeak
{
    // About 0.1 ms each: short enough that some run between two interruptions, long enough for the clock's resolution.
    private const int StepsPerWindow = 16 * 1024;

    // Processors take up to a few milliseconds to settle on the clock of wide vectors; the rest is for the best window.
    private static readonly TimeSpan MeasuringTime = TimeSpan.FromMilliseconds(80);

    /// <summary>Measures <paramref name="threads"/> threads at once, each in its best window, for about 0.1 seconds.</summary>
    /// <returns>Billions of floating-point operations per second (a multiply-add is two), all threads together.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread.</exception>
    public static double MeasureGflops(int threads = 1) => MeasureGflops(threads, MeasuringTime);

    /// <summary>The same for a given time, at least one window of about 0.1 ms.</summary>
    internal static double MeasureGflops(int threads, TimeSpan time) => Measure(threads, Widths[0].Lanes, time).Best;

    /// <summary>The vector widths of this machine, in floats, widest first; the last is a single float.</summary>
    internal static IReadOnlyList<(int Lanes, string Name)> Widths { get; } =
    [
        .. TileVector512.IsSupported ? [(TileVector512.Width, "512 bits")] : Array.Empty<(int, string)>(),
        .. TileVector256.IsSupported ? [(TileVector256.Width, "256 bits")] : Array.Empty<(int, string)>(),
        .. TileVector128.IsSupported ? [(TileVector128.Width, AdvSimd.IsSupported ? "128 bits" : "128 bits, not fused")] : Array.Empty<(int, string)>(),
        (TileScalar.Width, "scalar, not fused"),
    ];

    /// <summary>Measures one vector width on <paramref name="threads"/> threads at once.</summary>
    /// <param name="threads">How many.</param>
    /// <param name="lanes">One of <see cref="Widths"/>.</param>
    /// <param name="time">How long.</param>
    internal static FmaRate Measure(int threads, int lanes, TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        var rates = new FmaRate[threads];
        using var ready = new Barrier(threads);
        var others = new Thread[threads - 1];
        for (var i = 0; i < others.Length; i++)
        {
            var thread = i + 1;
            others[i] = new Thread(() => rates[thread] = MeasureOne(lanes, time, ready)) { IsBackground = true, Name = "netzero fma peak" };
            others[i].Start();
        }

        rates[0] = MeasureOne(lanes, time, ready);
        foreach (var other in others)
            other.Join();
        return new FmaRate(rates.Sum(rate => rate.Best), rates.Sum(rate => rate.Sustained));
    }

    private static FmaRate MeasureOne(int lanes, TimeSpan time, Barrier ready) => lanes switch
    {
        16 => MeasureOne<TileVector512, Vector512<float>>(time, ready),
        8 => MeasureOne<TileVector256, Vector256<float>>(time, ready),
        4 => MeasureOne<TileVector128, Vector128<float>>(time, ready),
        _ => MeasureOne<TileScalar, float>(time, ready),
    };

    private static FmaRate MeasureOne<T, TVector>(TimeSpan time, Barrier ready)
        where T : struct, ITileVector<TVector>
        where TVector : unmanaged
    {
        // 24 chains hide the latency of any processor with 32 registers (4 units of 4 cycles need 16); 12 is what 16 registers hold.
        var chains = T.Rows == 12 ? 24 : 12;
        var gflops = 2e-9 * StepsPerWindow * chains * T.Width;
        var best = 0.0;
        var windows = 0;
        ready.SignalAndWait();
        var start = Stopwatch.GetTimestamp();
        TimeSpan elapsed;
        do
        {
            var before = Stopwatch.GetTimestamp();
            if (chains == 24)
                Chains24<T, TVector>(StepsPerWindow);
            else
                Chains12<T, TVector>(StepsPerWindow);
            best = Math.Max(best, gflops / Stopwatch.GetElapsedTime(before).TotalSeconds);
            windows++;
            elapsed = Stopwatch.GetElapsedTime(start);
        }
        while (elapsed < time);
        return new FmaRate(best, windows * gflops / elapsed.TotalSeconds);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static unsafe void Chains24<T, TVector>(int steps)
        where T : struct, ITileVector<TVector>
        where TVector : unmanaged
    {
        // x -> x · 0.5 + 0.5 stays at 1: no overflow and no denormal numbers.
        var half = 0.5f;
        var one = 1f;
        var target = stackalloc float[16];
        var factor = T.Broadcast(&half);
        TVector x0 = T.Broadcast(&one), x1 = T.Broadcast(&one), x2 = T.Broadcast(&one), x3 = T.Broadcast(&one),
            x4 = T.Broadcast(&one), x5 = T.Broadcast(&one), x6 = T.Broadcast(&one), x7 = T.Broadcast(&one),
            x8 = T.Broadcast(&one), x9 = T.Broadcast(&one), x10 = T.Broadcast(&one), x11 = T.Broadcast(&one);
        TVector x12 = T.Broadcast(&one), x13 = T.Broadcast(&one), x14 = T.Broadcast(&one), x15 = T.Broadcast(&one),
            x16 = T.Broadcast(&one), x17 = T.Broadcast(&one), x18 = T.Broadcast(&one), x19 = T.Broadcast(&one),
            x20 = T.Broadcast(&one), x21 = T.Broadcast(&one), x22 = T.Broadcast(&one), x23 = T.Broadcast(&one);
        for (; steps > 0; steps--)
        {
            x0 = T.MultiplyAdd(x0, factor, factor);
            x1 = T.MultiplyAdd(x1, factor, factor);
            x2 = T.MultiplyAdd(x2, factor, factor);
            x3 = T.MultiplyAdd(x3, factor, factor);
            x4 = T.MultiplyAdd(x4, factor, factor);
            x5 = T.MultiplyAdd(x5, factor, factor);
            x6 = T.MultiplyAdd(x6, factor, factor);
            x7 = T.MultiplyAdd(x7, factor, factor);
            x8 = T.MultiplyAdd(x8, factor, factor);
            x9 = T.MultiplyAdd(x9, factor, factor);
            x10 = T.MultiplyAdd(x10, factor, factor);
            x11 = T.MultiplyAdd(x11, factor, factor);
            x12 = T.MultiplyAdd(x12, factor, factor);
            x13 = T.MultiplyAdd(x13, factor, factor);
            x14 = T.MultiplyAdd(x14, factor, factor);
            x15 = T.MultiplyAdd(x15, factor, factor);
            x16 = T.MultiplyAdd(x16, factor, factor);
            x17 = T.MultiplyAdd(x17, factor, factor);
            x18 = T.MultiplyAdd(x18, factor, factor);
            x19 = T.MultiplyAdd(x19, factor, factor);
            x20 = T.MultiplyAdd(x20, factor, factor);
            x21 = T.MultiplyAdd(x21, factor, factor);
            x22 = T.MultiplyAdd(x22, factor, factor);
            x23 = T.MultiplyAdd(x23, factor, factor);
        }

        // Stored, so that the sums are needed.
        T.Store(x0, target);
        T.Store(x1, target);
        T.Store(x2, target);
        T.Store(x3, target);
        T.Store(x4, target);
        T.Store(x5, target);
        T.Store(x6, target);
        T.Store(x7, target);
        T.Store(x8, target);
        T.Store(x9, target);
        T.Store(x10, target);
        T.Store(x11, target);
        T.Store(x12, target);
        T.Store(x13, target);
        T.Store(x14, target);
        T.Store(x15, target);
        T.Store(x16, target);
        T.Store(x17, target);
        T.Store(x18, target);
        T.Store(x19, target);
        T.Store(x20, target);
        T.Store(x21, target);
        T.Store(x22, target);
        T.Store(x23, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static unsafe void Chains12<T, TVector>(int steps)
        where T : struct, ITileVector<TVector>
        where TVector : unmanaged
    {
        // x -> x · 0.5 + 0.5 stays at 1: no overflow and no denormal numbers.
        var half = 0.5f;
        var one = 1f;
        var target = stackalloc float[16];
        var factor = T.Broadcast(&half);
        TVector x0 = T.Broadcast(&one), x1 = T.Broadcast(&one), x2 = T.Broadcast(&one), x3 = T.Broadcast(&one),
            x4 = T.Broadcast(&one), x5 = T.Broadcast(&one), x6 = T.Broadcast(&one), x7 = T.Broadcast(&one),
            x8 = T.Broadcast(&one), x9 = T.Broadcast(&one), x10 = T.Broadcast(&one), x11 = T.Broadcast(&one);
        for (; steps > 0; steps--)
        {
            x0 = T.MultiplyAdd(x0, factor, factor);
            x1 = T.MultiplyAdd(x1, factor, factor);
            x2 = T.MultiplyAdd(x2, factor, factor);
            x3 = T.MultiplyAdd(x3, factor, factor);
            x4 = T.MultiplyAdd(x4, factor, factor);
            x5 = T.MultiplyAdd(x5, factor, factor);
            x6 = T.MultiplyAdd(x6, factor, factor);
            x7 = T.MultiplyAdd(x7, factor, factor);
            x8 = T.MultiplyAdd(x8, factor, factor);
            x9 = T.MultiplyAdd(x9, factor, factor);
            x10 = T.MultiplyAdd(x10, factor, factor);
            x11 = T.MultiplyAdd(x11, factor, factor);
        }

        // Stored, so that the sums are needed.
        T.Store(x0, target);
        T.Store(x1, target);
        T.Store(x2, target);
        T.Store(x3, target);
        T.Store(x4, target);
        T.Store(x5, target);
        T.Store(x6, target);
        T.Store(x7, target);
        T.Store(x8, target);
        T.Store(x9, target);
        T.Store(x10, target);
        T.Store(x11, target);
    }
}

/// <summary>Multiply-adds in registers, in billions of floating-point operations per second, all threads together.</summary>
/// <param name="Best">Each thread in its best window of about 0.1 ms.</param>
/// <param name="Sustained">Over all windows, interruptions and changes of the clock included.</param>
internal readonly record struct FmaRate(double Best, double Sustained);

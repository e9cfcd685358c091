using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

/// <summary>The kernels of optimizers whose step follows each parameter's norms: LAMB's two halves, LARS, and the norms themselves.</summary>
public unsafe class LayerwiseKernelTests
{
    private const int Steps = 3;

    // Unit roundoff of a float.
    private static readonly double U = Math.Pow(2, -24);

    private static IEnumerable<int> Lengths => [.. Enumerable.Range(1, 130), 16384 + 5]; // the last: two tasks

    [Fact]
    public void Lamb_EveryLengthTo130_MatchesTheReference()
    {
        foreach (var length in Lengths)
        {
            var (p, m, v) = (PinnedFloats.Random(length, 1), new PinnedFloats(length), new PinnedFloats(length));
            var (ep, em, ev) = (Doubles(p), new double[length], new double[length]);
            using var workers = new WorkerPool(2);
            for (var step = 1; step <= Steps; step++)
            {
                var g = PinnedFloats.Random(length, 10 + step, scale: 0.5f);
                var stretch = new FlatStretch(p.Pointer, g.Pointer, 0, length, null);
                var s = new LambSettings(0.9, 0.95, 1e-6, 0.1, step);
                new LambMomentsKernel(stretch, FlatState.Floats(m.Pointer), FlatState.Floats(v.Pointer), s).Run(workers);
                new LambKernel(stretch, FlatState.Floats(m.Pointer), FlatState.Floats(v.Pointer), s, TrustRate.OfLamb(1e-2, 0, 10, null)).Run(workers);
                for (var i = 0; i < length; i++)
                {
                    OptimizerReference.LambMoments(g[i], ref em[i], ref ev[i], s);
                    ep[i] -= 1e-2 * OptimizerReference.LambDirection(ep[i], em[i], ev[i], s);
                }
            }

            for (var i = 0; i < length; i++)
            {
                // |g| <= 0.5. As with AdamW: under 8 roundings a step of numbers of at most 0.5 and 0.25; the direction has the relative error of
                // m / sqrt(v), which cancellation in m amplifies by at most the ratio of 0.5 to the second moment's root.
                Assert.Equal(em[i], m[i], Steps * 8 * U * 0.5);
                Assert.Equal(ev[i], v[i], Steps * 8 * U * 0.25);
                Assert.Equal(ep[i], p[i], Steps * ((4 * U) + (1e-2 * 32 * U * Math.Max(1, 0.5 / Math.Sqrt(ev[i])))));
            }
        }
    }

    [Fact]
    public void Lars_EveryLengthTo130_MatchesTheReference()
    {
        foreach (var length in Lengths)
        {
            var (p, b) = (PinnedFloats.Random(length, 1), new PinnedFloats(length));
            var (ep, eb) = (Doubles(p), new double[length]);
            using var workers = new WorkerPool(2);
            for (var step = 1; step <= Steps; step++)
            {
                var g = PinnedFloats.Random(length, 10 + step);
                new LarsKernel(new FlatStretch(p.Pointer, g.Pointer, 0, length, null), FlatState.Floats(b.Pointer), 0.9, 0.01, TrustRate.OfLars(0.1, 1, 0.01, null)).Run(workers);
                for (var i = 0; i < length; i++)
                    OptimizerReference.Lars(ref ep[i], g[i], ref eb[i], 0.9, 0.01, 0.1);
            }

            // The buffer stays below 0.28 = 0.1 (1 + 0.9 + 0.81) (+ decay) and p below 2: five roundings a step of numbers below 2.
            for (var i = 0; i < length; i++)
            {
                Assert.Equal(eb[i], b[i], Steps * 5 * 2 * U);
                Assert.Equal(ep[i], p[i], Steps * 5 * 2 * U);
            }
        }
    }

    [Fact]
    public void FlatNorms_EveryLengthTo130_MatchTheReference()
    {
        using var context = new TensorContext(new TensorContextOptions { Threads = 2 });
        foreach (var length in Lengths)
        {
            // A stretch in the middle of a block, as parameters lie in a shard.
            var start = length % 300;
            var (p, g) = (PinnedFloats.Random(start + length, 1), PinnedFloats.Random(start + length, 2));
            var (m, v) = (PinnedFloats.Random(start + length, 3), new PinnedFloats(start + length, 0.3f));
            var stretch = new FlatStretch(p.Pointer, g.Pointer, start, length, null);
            var s = new LambSettings(0.9, 0.95, 1e-6, 0.1, 5);
            double values = 0, gradients = 0, directions = 0, magnitudes = 0;
            for (var i = start; i < start + length; i++)
            {
                var direction = OptimizerReference.LambDirection(p[i], m[i], v[i], s);
                values += (double)p[i] * p[i];
                gradients += (double)g[i] * g[i];
                directions += direction * direction;
                magnitudes += 2 * Math.Abs(direction) * (Math.Abs(direction - (0.1 * p[i])) + Math.Abs(0.1 * p[i]));
            }

            // Squares are summed in double precision; a direction is a float of two terms with at most eight roundings.
            var sums = new DeviceNumbers(context, 4, "squares");
            FlatNorms.AddOfGradients(stretch, sums.Slice(0, 2));
            FlatNorms.AddOfLamb(stretch, FlatState.Floats(m.Pointer), FlatState.Floats(v.Pointer), s, sums.Slice(2, 2));
            var found = new double[4];
            sums.CopyTo(found);
            sums.Free();
            Assert.Equal(values, found[0], 1e-12 * values);
            Assert.Equal(gradients, found[1], 1e-12 * gradients);
            Assert.Equal(values, found[2], 1e-12 * values);
            Assert.Equal(directions, found[3], (8 * U * magnitudes) + 1e-12);
        }
    }

    private static double[] Doubles(PinnedFloats x) => [.. x.ToArray().Select(value => (double)value)];
}

using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public unsafe class OptimizerKernelTests
{
    // Unit roundoff of a float.
    private static readonly double U = Math.Pow(2, -24);

    public static TheoryData<int> Lengths
    {
        get
        {
            var data = new TheoryData<int>();
            for (var length = 1; length <= 130; length++)
                data.Add(length);
            data.Add(16384 + 5); // two tasks
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void AdamW_ThreeSteps_MatchesTheReference(int length)
    {
        const int steps = 3;
        var (p, m, v) = (PinnedFloats.Random(length, 1), new PinnedFloats(length), new PinnedFloats(length));
        var scale = new PinnedFloats(1, fill: 0.5f);
        var (ep, em, ev) = (new double[length], new double[length], new double[length]);
        for (var i = 0; i < length; i++)
            ep[i] = p[i];
        using var workers = new WorkerPool(2);
        for (var step = 1; step <= steps; step++)
        {
            var g = PinnedFloats.Random(length, 10 + step);
            var s = new AdamWSettings(1e-2, 0.9, 0.95, 1e-8, 0.1, step);
            new AdamWKernel(new FlatStretch(p.Pointer, g.Pointer, 0, length, scale.Pointer), FlatState.Floats(m.Pointer), FlatState.Floats(v.Pointer), s).Run(workers);
            for (var i = 0; i < length; i++)
                OptimizerReference.AdamW(ref ep[i], g[i] * 0.5, ref em[i], ref ev[i], s);
        }

        for (var i = 0; i < length; i++)
        {
            // |g| <= 0.5. m and v sum products of at most that size: under 8 roundings a step of numbers of at most 0.5 and 0.25.
            Assert.Equal(em[i], m[i], steps * 8 * U * 0.5);
            Assert.Equal(ev[i], v[i], steps * 8 * U * 0.25);
            // p: two roundings a step of numbers near 1, and lr times the relative error of m / sqrt(v). Cancellation in m amplifies
            // its error by at most the root of the second moment: the ratio of 0.5 to it.
            var amplification = 0.5 / Math.Sqrt(ev[i]);
            Assert.Equal(ep[i], p[i], steps * ((4 * U) + (1e-2 * 32 * U * Math.Max(1, amplification))));
        }
    }

    [Fact]
    public void AdamW_ByHand_IsPyTorchsFirstStep()
    {
        // p = 1, g = 1, lr = 0.1, wd = 0.5: p (1 - 0.05) = 0.95, then m / (1 - b1) = 1 and sqrt(v / (1 - b2)) = 1, so p = 0.95 - 0.1.
        using var workers = new WorkerPool();
        var (p, g, m, v) = (new PinnedFloats(1, 1), new PinnedFloats(1, 1), new PinnedFloats(1), new PinnedFloats(1));
        var s = new AdamWSettings(0.1, 0.9, 0.999, 0, 0.5, 1);
        new AdamWKernel(new FlatStretch(p.Pointer, g.Pointer, 0, 1, null), FlatState.Floats(m.Pointer), FlatState.Floats(v.Pointer), s).Run(workers);
        Assert.Equal(0.85, p[0], 8 * U); // four roundings of numbers below 2
        Assert.Equal(0.1f, m[0], U);
        Assert.Equal(0.001f, v[0], U / 100);
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Sgd_WithAndWithoutMomentum_MatchesTheReference(int length)
    {
        const int steps = 3;
        foreach (var momentum in new[] { 0, 0.9 })
        {
            var (p, b) = (PinnedFloats.Random(length, 1), new PinnedFloats(length, fill: 1234)); // the first step must not read the buffer
            var (ep, eb) = (new double[length], new double[length]);
            for (var i = 0; i < length; i++)
                ep[i] = p[i];
            using var workers = new WorkerPool(2);
            for (var step = 0; step < steps; step++)
            {
                var g = PinnedFloats.Random(length, 10 + step);
                var s = new SgdSettings(0.1, momentum, 0.01, step == 0);
                new SgdKernel(new FlatStretch(p.Pointer, g.Pointer, 0, length, null), momentum == 0 ? FlatState.None : FlatState.Floats(b.Pointer), s).Run(workers);
                for (var i = 0; i < length; i++)
                    OptimizerReference.Sgd(ref ep[i], g[i], ref eb[i], s);
            }

            // The buffer stays below 2.8 = 1 + 0.9 + 0.81 (+ decay); five roundings a step of numbers below 4.
            for (var i = 0; i < length; i++)
                Assert.Equal(ep[i], p[i], steps * 5 * 4 * U);
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Lion_ThreeSteps_MatchesTheReference(int length)
    {
        const int steps = 3;
        var (p, m) = (PinnedFloats.Random(length, 1), new PinnedFloats(length));
        var (ep, em) = (new double[length], new double[length]);
        for (var i = 0; i < length; i++)
            ep[i] = p[i];
        using var workers = new WorkerPool(2);
        var s = new LionSettings(1e-2, 0.9, 0.99, 0.1);
        for (var step = 1; step <= steps; step++)
        {
            var g = PinnedFloats.Random(length, 10 + step);
            g.Pointer[0] = 0; // with a momentum of zero the first element does not move but for the decay
            new LionKernel(new FlatStretch(p.Pointer, g.Pointer, 0, length, null), FlatState.Floats(m.Pointer), s).Run(workers);
            for (var i = 0; i < length; i++)
            {
                // Where the direction is within its rounding of zero its sign is anybody's; none of these gradients comes so close.
                Assert.True(i == 0 || Math.Abs((s.Beta1 * em[i]) + ((1 - s.Beta1) * g[i])) > 4 * U);
                OptimizerReference.Lion(ref ep[i], g[i], ref em[i], s);
            }
        }

        // |g| <= 0.5, so |m| <= 0.015 and its few roundings are below one of 0.125; p is near 1 and takes two a step.
        for (var i = 0; i < length; i++)
        {
            Assert.Equal(em[i], m[i], steps * 0.125 * U);
            Assert.Equal(ep[i], p[i], steps * 4 * U);
        }
    }

    [Fact]
    public void Lion_ByHand_MovesByTheRateInTheDirectionsSign_AndKeepsANaN()
    {
        using var workers = new WorkerPool();
        var p = new PinnedFloats(4, 1);
        var m = new PinnedFloats(4);
        var g = new PinnedFloats(4);
        (g.Pointer[0], g.Pointer[1], g.Pointer[2], g.Pointer[3]) = (3, -1e-6f, 0, float.NaN);
        new LionKernel(new FlatStretch(p.Pointer, g.Pointer, 0, 4, null), FlatState.Floats(m.Pointer), new LionSettings(0.25, 0.5, 0.75, 0)).Run(workers);
        Assert.Equal([0.75f, 1.25f, 1, float.NaN], p.ToArray());
        Assert.Equal([0.75f, -0.25e-6f, 0, float.NaN], m.ToArray());
    }

    [Fact]
    public void Update_ARangeCutAnywhere_GivesTheSameBits()
    {
        // A shard boundary may fall anywhere in a range, so the cut must not show.
        const int length = 100;
        using var workers = new WorkerPool();
        var g = PinnedFloats.Random(length, 3);
        var adam = new AdamWSettings(1e-2, 0.9, 0.95, 1e-8, 0.1, 3);
        var sgd = new SgdSettings(1e-2, 0.9, 0.1, false);
        var lion = new LionSettings(1e-2, 0.9, 0.99, 0.1);
        for (var cut = 0; cut <= length; cut++)
        {
            var (p, m, v) = (PinnedFloats.Random(length, 1), PinnedFloats.Random(length, 2), new PinnedFloats(length, 0.3f));
            var (q, n, w) = (p.Copy(), m.Copy(), v.Copy());
            Run(p, m, v, 0, length);
            Run(q, n, w, 0, cut);
            Run(q, n, w, cut, length - cut);

            Assert.Equal(p.ToArray(), q.ToArray());
            Assert.Equal(m.ToArray(), n.ToArray());
            Assert.Equal(v.ToArray(), w.ToArray());
        }

        void Run(PinnedFloats p, PinnedFloats m, PinnedFloats v, long start, long count)
        {
            var stretch = new FlatStretch(p.Pointer, g.Pointer, start, count, null);
            new AdamWKernel(stretch, FlatState.Floats(m.Pointer), FlatState.Floats(v.Pointer), adam).Run(workers);
            new SgdKernel(stretch, FlatState.Floats(m.Pointer), sgd).Run(workers);
            new LionKernel(stretch, FlatState.Floats(m.Pointer), lion).Run(workers);
        }
    }
}

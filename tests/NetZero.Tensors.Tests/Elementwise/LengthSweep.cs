namespace NetZero.Tensors.Tests.Elementwise;

/// <summary>Runs an elementwise kernel at every length from 1 to 130 and compares each element with its reference.</summary>
internal static class LengthSweep
{
    private const int Guard = 16;

    public delegate void Kernel(PinnedFloats[] inputs, PinnedFloats output, int count, bool accumulate);

    public static void Run(int inputs, Func<float, float>? domain, Kernel kernel, Func<double[], double> reference, Func<double[], double> tolerance)
    {
        for (var n = 1; n <= 130; n++)
        {
            var x = Enumerable.Range(0, inputs).Select(k => Inputs(n, (n * 7) + k, domain)).ToArray();
            var y = new PinnedFloats(n + Guard, 7f);
            kernel(x, y, n, false);
            for (var i = 0; i < n; i++)
            {
                var arguments = x.Select(v => (double)v[i]).ToArray();
                var expected = reference(arguments);
                Assert.True(
                    y[i].Equals((float)expected) || Math.Abs(y[i] - expected) <= tolerance(arguments),
                    $"length {n}, element {i}, f({string.Join(", ", arguments)}) = {y[i]:R}, expected {expected:R} ± {tolerance(arguments):E2}");
            }

            Assert.All(y.Span[n..].ToArray(), guard => Assert.Equal(7f, guard));
            AssertAccumulates(kernel, x, y, n);
            AssertEachElementAlone(kernel, x, y, n);
        }
    }

    // With accumulation the same value is added: y + f(x), one rounding more.
    private static void AssertAccumulates(Kernel kernel, PinnedFloats[] x, PinnedFloats y, int n)
    {
        var sum = new PinnedFloats(n + Guard, 0.75f);
        kernel(x, sum, n, true);
        for (var i = 0; i < n; i++)
            Assert.Equal(0.75f + y[i], sum[i]);
        Assert.All(sum.Span[n..].ToArray(), guard => Assert.Equal(0.75f, guard));
    }

    // The bits of an element do not depend on where it is: alone, it is a rest; in the whole, mostly not.
    private static void AssertEachElementAlone(Kernel kernel, PinnedFloats[] x, PinnedFloats y, int n)
    {
        for (var i = n % 7; i < n; i += 7)
        {
            var one = new PinnedFloats(1);
            kernel([.. x.Select(v => One(v[i]))], one, 1, false);
            Assert.Equal(BitConverter.SingleToUInt32Bits(y[i]), BitConverter.SingleToUInt32Bits(one[0]));
        }
    }

    private static PinnedFloats One(float value) => new(1, value);

    // Values of both signs, a fifth of them large, some equal to 0 and some integers (so that conditions and ties occur).
    private static PinnedFloats Inputs(int n, int seed, Func<float, float>? domain)
    {
        var random = new Random(seed);
        var x = new PinnedFloats(n);
        for (var i = 0; i < n; i++)
        {
            var value = ((random.NextSingle() * 2) - 1) * (random.Next(5) == 0 ? 12 : 3);
            if (random.Next(4) == 0)
                value = MathF.Round(value);
            x[i] = domain is null ? value : domain(value);
        }

        return x;
    }
}

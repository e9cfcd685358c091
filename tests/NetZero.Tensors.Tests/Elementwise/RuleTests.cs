using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Elementwise;

/// <summary>
/// Each rule against its double-precision reference. Tolerances are multiples of u = 2^-24, half a unit in the last place of 1:
/// the number of roundings, with the stated errors of <see cref="VectorMath"/> (in ulp, 2u each), relative to the terms that are summed.
/// </summary>
[Trait("Category", "Kernel")]
public class RuleTests
{
    private const double U = 1.0 / (1 << 24);

    [Fact]
    public void ArithmeticRules_RoundOnce()
    {
        Check(new AddRule(), 1, (a, b) => Math.Abs(a + b));
        Check(new SubtractRule(), 1, (a, b) => Math.Abs(a - b));
        Check(new MultiplyRule(), 1, (a, b) => Math.Abs(a * b));
        Check(new DivideRule(), 1, (a, b) => Math.Abs(a / b));
        Check(new EqualRule(), 0, (_, _) => 1);
        Check(new ScaleRule(-0.37f), 1, x => Math.Abs(-0.37f * x));
        Check(new AddScalarRule(1.7f), 1, x => Math.Abs(x + 1.7f));
        Check(new AbsRule(), 0, x => 1);
        Check(new ClampRule(0.6f), 0, x => 1);
        Check(new ClampFiniteRule(0.6f), 0, x => 1);
        Check(new AbsBackwardRule(), 0, (_, _) => 1);
        Check(new ReciprocalRule(), 1, x => Math.Abs(1 / x));
    }

    // Two and more roundings of products and quotients: their number times u, relative to the result.
    [Fact]
    public void ProductRules_RoundAsOftenAsTheyMultiply()
    {
        Check(new DivideBackwardRule(), 2, (dy, y, b) => Math.Abs(dy * y / b));
        Check(new ReciprocalBackwardRule(), 2, (y, dy) => Math.Abs(dy * y * y));
        Check(new RsqrtBackwardRule(), 3, (y, dy) => Math.Abs(dy * y * y * y));
        Check(new SqrtBackwardRule(), 1, (y, dy) => Math.Abs(dy / (2 * y)));
        Check(new SqrtRule(), 1, x => Math.Sqrt(x), Positive);
        Check(new RsqrtRule(), 2, x => 1 / Math.Sqrt(x), Positive);
    }

    [Fact]
    public void ExponentialRules_KeepTheStatedUlps()
    {
        Check(new ExpRule(), 3, Math.Exp);
        Check(new LogRule(), 4, x => Math.Abs(Math.Log(x)), Positive);
        Check(new TanhRule(), 6, x => Math.Abs(Math.Tanh(x)));
        Check(new SigmoidRule(), 6, x => 1 / (1 + Math.Exp(-x)));

        // 1 - y and 1 + y round relative to 1 and to 2; then two products.
        Check(new TanhBackwardRule(), 5, (y, dy) => Math.Abs(dy) * (1 + (y * y)));
        Check(new SigmoidBackwardRule(), 4, (y, dy) => Math.Abs(dy * y) * (1 + Math.Abs(y)));
    }

    [Fact]
    public void ReluRules_AreExact()
    {
        Check(new ReluRule(), 0, _ => 1);
        Check(new ReluBackwardRule(), 0, (_, _) => 1);
    }

    // σ within 6u. The derivative adds the slope (σ's roundings and two more, 9u) times |x| <= 0.28 of it, and the sum and the product.
    [Fact]
    public void SiluRules_StayWithinTheErrorOfTheSigmoid()
    {
        Check(new SiluRule(), 7, x => Math.Abs(x) / (1 + Math.Exp(-x)));
        Check(new SiluBackwardRule(), 11, (_, dy) => Math.Abs(dy));
    }

    // An argument z of σ that is off by 4u·|z| changes σ by σ(1 - σ)|z|·4u <= 0.9u, beside σ's own 6u and the product.
    // Derivative: the sum's terms are below 1.2 and 0.35·2u'; z's error moves the slope term by its size times |z|·4u <= 6u.
    [Fact]
    public void GeluRules_StayWithinTheErrorOfTheSigmoid()
    {
        Check(new GeluRule(), 8, x => Math.Abs(x));
        Check(new GeluBackwardRule(), 18, (_, dy) => Math.Abs(dy));
    }

    // x/2·erf: erf within 6u (its argument's 2u move it by less than u), half of it, and the final rounding.
    // Derivative: Φ within 4u; φ within e's 3u and x²'s 2u·x²/2 (x·φ·x² <= 0.7), two products, the sum.
    [Fact]
    public void GeluExactRules_StayWithinTheErrorOfErf()
    {
        Check(new GeluExactRule(), 5, x => Math.Abs(x));
        Check(new GeluExactBackwardRule(), 9, (_, dy) => Math.Abs(dy));
    }

    [Fact]
    public void SelectRules_AreExact()
    {
        Check(new SelectRule(), 0, (_, _, _) => 1);
        Check(new KeepWhereRule(), 0, (_, _) => 1);
        Check(new KeepWhereNotRule(), 0, (_, _) => 1);
        Check(new FillWhereRule(2.5f), 0, (_, _) => 1);
    }

    [Fact]
    public void Activations_OfHugeAndMissingValues_GiveTheLimits()
    {
        Assert.Equal([1e30f, 0f, float.NaN], Values(new GeluRule(), 1e30f, -1e30f, float.NaN));
        Assert.Equal([1e30f, 0f, float.NaN], Values(new GeluExactRule(), 1e30f, -1e30f, float.NaN));
        Assert.Equal([1e30f, 0f, float.NaN], Values(new SiluRule(), 1e30f, -1e30f, float.NaN));
        Assert.Equal([float.PositiveInfinity, 0f, float.NaN], Values(new ReluRule(), float.PositiveInfinity, -1e30f, float.NaN));
        Assert.Equal([1f, 0f, float.NaN], Slopes(new GeluBackwardRule(), 1e30f, -1e30f, float.NaN));
        Assert.Equal([1f, 0f, float.NaN], Slopes(new GeluExactBackwardRule(), 1e30f, -1e30f, float.NaN));
        Assert.Equal([1f, 0f, float.NaN], Slopes(new SiluBackwardRule(), 1e30f, -1e30f, float.NaN));
    }

    private static float[] Values<TRule>(TRule rule, params float[] x)
        where TRule : struct, IUnaryRule =>
        [.. x.Select(v => rule.Invoke(new Lanes1(v)).Value)];

    private static float[] Slopes<TRule>(TRule rule, params float[] x)
        where TRule : struct, IBinaryRule =>
        [.. x.Select(v => rule.Invoke(new Lanes1(v), new Lanes1(1)).Value)];

    private static float Positive(float x) => MathF.Abs(x) + 0.01f;

    private static unsafe void Check<TRule>(TRule rule, double units, Func<double, double> magnitude, Func<float, float>? domain = null)
        where TRule : struct, IUnaryRule
    {
        using var workers = new WorkerPool();
        LengthSweep.Run(
            inputs: 1,
            domain,
            (x, y, n, add) => new UnaryKernel<TRule>(rule, x[0].Pointer, y.Pointer, StridedPlan.Flat(n), add).Run(workers),
            v => rule.Reference(v[0]),
            v => units * U * magnitude(v[0]));
    }

    private static unsafe void Check<TRule>(TRule rule, double units, Func<double, double, double> magnitude)
        where TRule : struct, IBinaryRule
    {
        using var workers = new WorkerPool();
        LengthSweep.Run(
            inputs: 2,
            null,
            (x, y, n, add) => new BinaryKernel<TRule>(rule, x[0].Pointer, x[1].Pointer, y.Pointer, StridedPlan.Flat(n), add).Run(workers),
            v => rule.Reference(v[0], v[1]),
            v => units * U * magnitude(v[0], v[1]));
    }

    private static unsafe void Check<TRule>(TRule rule, double units, Func<double, double, double, double> magnitude)
        where TRule : struct, ITernaryRule
    {
        using var workers = new WorkerPool();
        LengthSweep.Run(
            inputs: 3,
            null,
            (x, y, n, add) => new TernaryKernel<TRule>(rule, x[0].Pointer, x[1].Pointer, x[2].Pointer, y.Pointer, StridedPlan.Flat(n), add).Run(workers),
            v => rule.Reference(v[0], v[1], v[2]),
            v => units * U * magnitude(v[0], v[1], v[2]));
    }
}

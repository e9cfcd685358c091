using System.Runtime.Intrinsics;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

[Trait("Category", "Kernel")]
public class VectorMathTests
{
    // A step that is coprime to 2^32 visits about a million floats of every exponent, sign and kind (denormals, infinities, NaNs).
    private const uint BitStep = 4099;

    public static TheoryData<string> Functions => [.. Function.All.Keys];

    [Theory]
    [MemberData(nameof(Functions))]
    public void EachFunction_OverAllFloats_IsWithinItsStatedUlps(string name)
    {
        var function = Function.All[name];
        var worst = 0.0;
        var worstAt = 0f;
        void Check(float x)
        {
            var actual = function.Scalar(x);
            var error = Ulp.Error(actual, function.Exact(x));
            if (error > worst)
                (worst, worstAt) = (error, x);
        }

        for (ulong bits = 0; bits < 1UL << 32; bits += BitStep)
            Check(BitConverter.UInt32BitsToSingle((uint)bits));

        // The range where the functions bend: most floats are tiny or huge.
        for (var x = -110f; x < 110f; x += 0.00037f)
            Check(x);
        Assert.True(worst <= function.Ulps, $"{name}({worstAt:R}) = {function.Scalar(worstAt):R}, {worst:F2} ulp from {function.Exact(worstAt):R}");
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void EachFunction_AtEachWidth_GivesTheBitsOfTheScalar(string name)
    {
        var function = Function.All[name];
        Span<float> x = stackalloc float[16];
        for (ulong bits = 0; bits < 1UL << 32; bits += 16 * 16 * BitStep)
        {
            for (var i = 0; i < 16; i++)
                x[i] = i % 2 == 0 ? BitConverter.UInt32BitsToSingle((uint)(bits + ((ulong)i * BitStep))) : (float)(((bits >> 8) % 2000) * 0.1 - 100 + i);
            var whole = function.Wide(Vector512.Create<float>(x));
            var half = function.Half(Vector256.Create<float>(x));
            var quarter = function.Quarter(Vector128.Create<float>(x));
            for (var i = 0; i < 16; i++)
            {
                var expected = function.Scalar(x[i]);
                AssertSame(expected, whole[i], x[i]);
                if (i < 8)
                    AssertSame(expected, half[i], x[i]);
                if (i < 4)
                    AssertSame(expected, quarter[i], x[i]);
            }
        }
    }

    [Fact]
    public void Exp_OfTheEdges_GivesZeroInfinityAndNaN()
    {
        Assert.Equal(0f, VectorMath.Exp(float.NegativeInfinity));
        Assert.Equal(0f, VectorMath.Exp(float.MinValue));
        Assert.Equal(0f, VectorMath.Exp(-87.34f));
        Assert.True(float.IsNormal(VectorMath.Exp(-87.3365f)));
        Assert.Equal(1f, VectorMath.Exp(0f));
        Assert.Equal(1f, VectorMath.Exp(-float.Epsilon));
        Assert.True(float.IsFinite(VectorMath.Exp(88.72f)));
        Assert.Equal(float.PositiveInfinity, VectorMath.Exp(88.73f));
        Assert.Equal(float.PositiveInfinity, VectorMath.Exp(float.PositiveInfinity));
        Assert.True(float.IsNaN(VectorMath.Exp(float.NaN)));
    }

    [Fact]
    public void Log_OfTheEdges_GivesInfinitiesAndNaN()
    {
        Assert.Equal(float.NegativeInfinity, VectorMath.Log(0f));
        Assert.Equal(float.NegativeInfinity, VectorMath.Log(-0f));
        Assert.Equal(0f, VectorMath.Log(1f));
        Assert.Equal(float.PositiveInfinity, VectorMath.Log(float.PositiveInfinity));
        Assert.True(float.IsNaN(VectorMath.Log(-float.Epsilon)));
        Assert.True(float.IsNaN(VectorMath.Log(float.NegativeInfinity)));
        Assert.True(float.IsNaN(VectorMath.Log(float.NaN)));
    }

    [Fact]
    public void OddFunctions_OfZeroAndInfinity_KeepTheSign()
    {
        foreach (var f in new Func<float, float>[] { VectorMath.Tanh, VectorMath.Erf })
        {
            Assert.Equal(0x8000_0000u, BitConverter.SingleToUInt32Bits(f(-0f)));
            Assert.Equal(0u, BitConverter.SingleToUInt32Bits(f(0f)));
            Assert.Equal(-1f, f(float.NegativeInfinity));
            Assert.Equal(1f, f(float.PositiveInfinity));
            Assert.True(float.IsNaN(f(float.NaN)));
        }
    }

    [Fact]
    public void Sigmoid_OfTheEdges_IsZeroAHalfAndOne()
    {
        Assert.Equal(0f, VectorMath.Sigmoid(float.NegativeInfinity));
        Assert.Equal(0.5f, VectorMath.Sigmoid(0f));
        Assert.Equal(1f, VectorMath.Sigmoid(float.PositiveInfinity));
        Assert.True(float.IsNaN(VectorMath.Sigmoid(float.NaN)));
    }

    private static void AssertSame(float expected, float actual, float x)
    {
        // NaNs carry a payload that instructions may change; there is one NaN for us.
        if (float.IsNaN(expected) && float.IsNaN(actual))
            return;
        Assert.True(
            BitConverter.SingleToUInt32Bits(expected) == BitConverter.SingleToUInt32Bits(actual), $"at {x:R}: {expected:R} and {actual:R}");
    }

    private sealed record Function(
        double Ulps,
        Func<double, double> Exact,
        Func<float, float> Scalar,
        Func<Vector512<float>, Vector512<float>> Wide,
        Func<Vector256<float>, Vector256<float>> Half,
        Func<Vector128<float>, Vector128<float>> Quarter)
    {
        // The ulps are those that the functions' documentation states.
        public static readonly Dictionary<string, Function> All = new()
        {
            ["Exp"] = new(1.5, ExactExp, VectorMath.Exp, VectorMath.Exp, VectorMath.Exp, VectorMath.Exp),
            ["Log"] = new(2, Math.Log, VectorMath.Log, VectorMath.Log, VectorMath.Log, VectorMath.Log),
            ["Tanh"] = new(3, Math.Tanh, VectorMath.Tanh, VectorMath.Tanh, VectorMath.Tanh, VectorMath.Tanh),
            ["Sigmoid"] = new(3, ExactSigmoid, VectorMath.Sigmoid, VectorMath.Sigmoid, VectorMath.Sigmoid, VectorMath.Sigmoid),
            ["Erf"] = new(3, DoubleMath.Erf, VectorMath.Erf, VectorMath.Erf, VectorMath.Erf, VectorMath.Erf),
        };

        // Exp is documented to give 0 where the result would be denormal.
        private static double ExactExp(double x) => x < -87.3365f ? 0 : Math.Exp(x);

        private static double ExactSigmoid(double x) => x < -87.3365f ? 0 : 1 / (1 + Math.Exp(-x));
    }
}

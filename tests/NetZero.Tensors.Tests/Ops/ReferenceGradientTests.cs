using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

/// <summary>The references' gradients against central differences of the references themselves: the kernels are then held to them.</summary>
public class ReferenceGradientTests
{
    // Inputs are multiples of 2^-6 and the step is 2^-10, so that x + h and x - h are floats exactly.
    private const double Step = 1.0 / 1024;

    // (f(x + h) - f(x - h)) / 2h is off by h^2 / 6 of the third derivative. Inputs lie in [-1, 1); the norms' epsilon of 0.5 bounds rstd by
    // sqrt(2), so third derivatives, sums of a few dozen products of such factors, stay below 100. Rounding, 2^-52 / h, is far below.
    private const double Tolerance = 100.0 / 6 * Step * Step;

    [Fact]
    public void LayerNorm_Backward_IsTheDerivativeOfForward()
    {
        const int rows = 3, columns = 5;
        float[] x = Grid(rows * columns, 1), gamma = Grid(columns, 2), beta = Grid(columns, 3), dy = Grid(rows * columns, 4);
        var (dx, dgamma, dbeta) = LayerNormReference.Backward(x, gamma, dy, rows, columns, 0.5);
        double Objective() => Dot(LayerNormReference.Forward(x, gamma, beta, rows, columns, 0.5).Y, dy);
        Check(Objective, x, dx);
        Check(Objective, gamma, dgamma);
        Check(Objective, beta, dbeta);
    }

    [Fact]
    public void RmsNorm_Backward_IsTheDerivativeOfForward()
    {
        const int rows = 3, columns = 5;
        float[] x = Grid(rows * columns, 1), gamma = Grid(columns, 2), dy = Grid(rows * columns, 4);
        var (dx, dgamma) = RmsNormReference.Backward(x, gamma, dy, rows, columns, 0.5);
        double Objective() => Dot(RmsNormReference.Forward(x, gamma, rows, columns, 0.5).Y, dy);
        Check(Objective, x, dx);
        Check(Objective, gamma, dgamma);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Attention_Backward_IsTheDerivativeOfForward(bool causal)
    {
        var shape = new AttentionShape(Batch: 2, Tokens: 4, Heads: 4, KeyHeads: 2, HeadChannels: 3, Scale: 0.5f, causal);
        float[] q = Grid(2 * 4 * 4 * 3, 1), k = Grid(2 * 4 * 2 * 3, 2), v = Grid(2 * 4 * 2 * 3, 3), dO = Grid(2 * 4 * 4 * 3, 4);
        var (dq, dk, dv) = AttentionReference.Backward(q, k, v, dO, shape);
        double Objective() => Dot(AttentionReference.Forward(q, k, v, shape), dO);
        Check(Objective, q, dq);
        Check(Objective, k, dk);
        Check(Objective, v, dv);
    }

    [Fact]
    public void CrossEntropy_Gradient_IsTheDerivativeOfTheLoss()
    {
        var logits = Grid(4 * 7, 1);
        long[] targets = [3, -100, 0, 6];
        Check(() => CrossEntropyReference.Run(logits, targets, 7, -100).Loss, logits, CrossEntropyReference.Run(logits, targets, 7, -100).Dlogits);
    }

    [Fact]
    public void Rotary_TurnedBack_IsTheDerivativeOfTurning()
    {
        float[] x = Grid(10, 1), dy = Grid(10, 2);
        Check(() => Dot(RotaryReference.Turn(x, 3, 100), dy), x, RotaryReference.Turn(dy, -3, 100));
    }

    private static void Check(Func<double> objective, float[] x, double[] gradient)
    {
        for (var i = 0; i < x.Length; i++)
        {
            var at = x[i];
            x[i] = at + (float)Step;
            var above = objective();
            x[i] = at - (float)Step;
            var below = objective();
            x[i] = at;
            Assert.Equal((above - below) / (2 * Step), gradient[i], Tolerance);
        }
    }

    private static double Dot(double[] y, float[] dy) => y.Zip(dy, (a, b) => a * b).Sum();

    private static float[] Grid(int length, int seed)
    {
        var random = new Random(seed);
        var values = new float[length];
        for (var i = 0; i < length; i++)
            values[i] = random.Next(-64, 64) / 64f;
        return values;
    }
}

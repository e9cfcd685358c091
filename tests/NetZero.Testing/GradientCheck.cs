using System.Runtime.InteropServices;
using NetZero.Tensors;

namespace NetZero.Testing;

/// <summary>
/// Checks an op's values and gradients against a reference in double precision, whose gradients are taken by central differences; and that
/// the same program on Meta predicts the peak of every memory kind, and on a device that runs later computes the same bits.
/// </summary>
public static class GradientCheck
{
    // (f(x + h) - f(x - h)) / 2h is off by h²/6 of the third derivative, 1.7e-11 for derivatives around 1, and by about 2^-52·|f|/h =
    // 2e-11.
    private const double Step = 1e-5;
    private const double DifferenceError = 1e-9;

    private const double U = 1.0 / (1 << 24);

    /// <summary>Runs the check.</summary>
    /// <param name="op">From tensors (F32 leaves, seen through each input's view) to the result.</param>
    /// <param name="reference">From the elements of the views, row-major, to the elements of the result, row-major, in an array of its own.</param>
    /// <param name="units">
    /// How often values and gradients round: multiples of 2^-24 relative to the terms that are summed. For a value these are 1 and its
    /// magnitude; for a gradient, |dy| (what may cancel in a derivative of order 1) and each |dy·derivative|.
    /// </param>
    /// <param name="inputs">The leaves.</param>
    /// <exception cref="GradientCheckException">A value, a gradient or a predicted peak is off.</exception>
    public static void Run(Func<Tensor[], Tensor> op, Func<double[][], double[]> reference, double units, params GradientInput[] inputs)
    {
        var (values, gradients, peaks) = RunOn(Device.Cpu, op, inputs);
        Compare(values, gradients, reference, units, inputs);
        foreach (var device in new[] { Device.Meta, new DelayedDevice(new DelayedTiming(values.Length, "compute") { SlowPieces = 1, Lag = TimeSpan.FromMilliseconds(2) }) })
        {
            var (otherValues, otherGradients, otherPeaks) = RunOn(device, op, inputs);
            if (!peaks.SequenceEqual(otherPeaks))
                throw new GradientCheckException($"Peaks by kind are [{string.Join(", ", peaks)}] bytes, and on {device} [{string.Join(", ", otherPeaks)}].");
            if (device.HasMemory && (!SameBits(values, otherValues) || !gradients.Zip(otherGradients, SameBits).All(same => same)))
                throw new GradientCheckException($"Values or gradients on {device} differ from the processor's.");
        }
    }

    private static (float[] Values, float[]?[] Gradients, long[] Peaks) RunOn(Device device, Func<Tensor[], Tensor> op, GradientInput[] inputs)
    {
        using var context = new TensorContext(new TensorContextOptions { Device = device, Threads = 2 });
        var leaves = inputs.Select(input => input.MakeLeaf(context)).ToArray();
        var y = op([.. leaves.Zip(inputs, (leaf, input) => input.View(leaf))]);
        var gradient = context.From<float>(Weights(y.Elements), y.Shape);
        var values = device.HasMemory ? y.ToArray<float>() : [];
        y.Backward(gradient);
        var gradients = leaves.Select(leaf => device.HasMemory ? leaf.Grad?.ToArray<float>() : null).ToArray();
        return (values, gradients, context.Ledger.PeakSnapshot());
    }

    private static bool SameBits(float[]? a, float[]? b) =>
        (a is null) == (b is null) && MemoryMarshal.AsBytes<float>(a).SequenceEqual(MemoryMarshal.AsBytes<float>(b));

    private static void Compare(
        float[] values, float[]?[] gradients, Func<double[][], double[]> reference, double units, GradientInput[] inputs)
    {
        var dy = Weights(values.Length);
        var positions = inputs.Select(input => input.Positions()).ToArray();
        var x = inputs.Zip(positions, (input, at) => at.Select(i => (double)input.Values[i]).ToArray()).ToArray();
        var expected = reference(x);
        if (expected.Length != values.Length)
            throw new GradientCheckException($"The op gave {values.Length} elements and the reference {expected.Length}.");
        for (var i = 0; i < values.Length; i++)
            Expect($"element {i}", values[i], expected[i], units * U * (1 + Math.Abs(expected[i])));
        for (var k = 0; k < inputs.Length; k++)
        {
            if (!inputs[k].RequiresGrad)
                continue;
            var (slopes, scales) = Differences(reference, x, k, positions[k], inputs[k].Values.Length, dy);
            var gradient = gradients[k] ?? throw new GradientCheckException($"Input {k} has no gradient.");
            for (var i = 0; i < gradient.Length; i++)
                Expect($"gradient {i} of input {k}", gradient[i], slopes[i], (units * U * scales[i]) + DifferenceError);
        }
    }

    // Gradients with respect to the leaf's elements, and the magnitudes of the terms that make them up.
    private static (double[] Slopes, double[] Scales) Differences(
        Func<double[][], double[]> reference, double[][] x, int input, long[] positions, int elements, float[] dy)
    {
        var slopes = new double[elements];
        var scales = new double[elements];
        var largest = dy.Length == 0 ? 0 : dy.Max(Math.Abs);
        for (var i = 0; i < positions.Length; i++)
        {
            var center = x[input][i];
            x[input][i] = center + Step;
            var above = reference(x);
            x[input][i] = center - Step;
            var below = reference(x);
            x[input][i] = center;
            scales[positions[i]] += largest;
            for (var j = 0; j < dy.Length; j++)
            {
                var term = dy[j] * ((above[j] - below[j]) / (2 * Step));
                slopes[positions[i]] += term;
                scales[positions[i]] += Math.Abs(term);
            }
        }

        return (slopes, scales);
    }

    private static void Expect(string what, float actual, double expected, double tolerance)
    {
        if (!(Math.Abs(actual - expected) <= tolerance))
            throw new GradientCheckException($"{what} is {actual:R}, expected {expected:R} ± {tolerance:E2}.");
    }

    // Gradients of the result: of both signs, none alike, of order 1.
    private static float[] Weights(long count)
    {
        var weights = new float[count];
        for (var i = 0; i < weights.Length; i++)
            weights[i] = (float)Math.Sin((1.7 * i) + 0.4);
        return weights;
    }
}

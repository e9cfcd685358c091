using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>Normalisations against central differences of their definitions.</summary>
public class NormGradientTests
{
    private const int Columns = 5;
    private const double Epsilon = 0.5;

    // Inputs lie below 2 and weights below 1.5; epsilon bounds rstd by sqrt(2) and a normalised element by sqrt(5). A value: the mean of 5
    // rounds 6 times at 2, and rstd times the weight makes that at most 26 units; rstd itself, after 10 roundings half of which its root
    // keeps, adds 5 units of at most 3.4; the last products and the sum a few. A gradient is rstd times three terms of at most 1.5, 1.5 and
    // 1.5 · sqrt(5), so at most 10 before they cancel, with some 15 roundings each and the 12 of what the forward pass made: 256 is above.
    private const double Units = 256;

    [Fact]
    public void RmsNorm_AnyView_ValuesAndGradientsMatchTheDefinition()
    {
        foreach (var x in Views.Of3By5(-2, 2))
        {
            GradientCheck.Run(t => t[0].RmsNorm(t[1], Epsilon), v => RmsNorm(v[0], v[1]), Units, x, Weight(2));
            GradientCheck.Run(t => t[0].RmsNorm(t[1], Epsilon), v => RmsNorm(v[0], v[1]), Units, x, SlicedWeight);
        }
    }

    [Fact]
    public void RmsNorm_OfThreeDimensionsWithAFrozenSide_LeavesThatSideAlone()
    {
        var (x, frozenX) = (new GradientInput([2, 3, Columns]), new GradientInput([2, 3, Columns]) { RequiresGrad = false });
        GradientCheck.Run(
            t => t[0].RmsNorm(t[1], Epsilon), v => RmsNorm(v[0], v[1]), Units, x, new GradientInput([Columns], 0.5, 1.5) { RequiresGrad = false });
        GradientCheck.Run(t => t[0].RmsNorm(t[1], Epsilon), v => RmsNorm(v[0], v[1]), Units, frozenX, Weight(2));
    }

    // The same weight twice, so that the second gradient is added to the first.
    [Fact]
    public void RmsNorm_AWeightUsedTwice_AddsItsGradients() => GradientCheck.Run(
        t => t[0].RmsNorm(t[1], Epsilon) + t[2].RmsNorm(t[1], Epsilon),
        v => [.. RmsNorm(v[0], v[1]).Zip(RmsNorm(v[2], v[1]), (a, b) => a + b)],
        2 * Units,
        new GradientInput([3, Columns]),
        Weight(2),
        new GradientInput([3, Columns], seed: 3));

    [Fact]
    public void RmsNorm_AWeightOfAnotherSize_IsRefused()
    {
        using var context = new TensorContext();
        var error = Assert.Throws<ArgumentException>(() => context.Zeros([2, 5]).RmsNorm(context.Zeros([4])));
        Assert.Contains("must have the shape [5]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LayerNorm_AnyView_ValuesAndGradientsMatchTheDefinition()
    {
        foreach (var x in Views.Of3By5(-2, 2))
        {
            foreach (var weight in new[] { Weight(2), SlicedWeight })
            {
                GradientCheck.Run(
                    t => t[0].LayerNorm(t[1], t[2], Epsilon), v => LayerNorm(v[0], v[1], v[2]), Units, x, weight, Weight(3));
            }
        }
    }

    [Fact]
    public void LayerNorm_FrozenParameters_LeaveTheInputsGradient() => GradientCheck.Run(
        t => t[0].LayerNorm(t[1], t[2], Epsilon),
        v => LayerNorm(v[0], v[1], v[2]),
        Units,
        new GradientInput([2, 3, Columns]),
        new GradientInput([Columns], 0.5, 1.5) { RequiresGrad = false },
        new GradientInput([Columns]) { RequiresGrad = false });

    private static GradientInput Weight(int seed) => new([Columns], 0.5, 1.5, seed);

    // Every second element of a longer vector.
    private static GradientInput SlicedWeight => new([Columns, 2], 0.5, 1.5, 4) { View = leaf => leaf.Slice(1, 1, 1).Reshape(Columns) };

    private static double[] RmsNorm(double[] x, double[] weight) => PerRow(x, row =>
    {
        var rstd = 1 / Math.Sqrt(row.Average(v => v * v) + Epsilon);
        return row.Select((v, c) => v * rstd * weight[c]);
    });

    private static double[] LayerNorm(double[] x, double[] weight, double[] bias) => PerRow(x, row =>
    {
        var mean = row.Average();
        var rstd = 1 / Math.Sqrt(row.Average(v => (v - mean) * (v - mean)) + Epsilon);
        return row.Select((v, c) => ((v - mean) * rstd * weight[c]) + bias[c]);
    });

    private static double[] PerRow(double[] x, Func<double[], IEnumerable<double>> row) => [.. x.Chunk(Columns).SelectMany(row)];
}

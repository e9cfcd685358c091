using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>Linear layers and matrix products against central differences of their definitions.</summary>
public class MatrixGradientTests
{
    private const int M = 3, K = 4, N = 5;

    // Factors lie below 1, so a value sums at most 4 products and a bias below 1 each, with at most 5 roundings of a partial sum below 5.
    // A gradient sums at most 18 terms (6 rows, or 2 x 3 x 3 broadcast), each rounding relative to the terms' magnitudes: 25 covers both.
    private const double Units = 25;

    public static TheoryData<bool, bool, bool> LinearCases => new()
    {
        { false, false, false }, { false, false, true }, { false, true, false }, { false, true, true },
        { true, false, false }, { true, false, true }, { true, true, false }, { true, true, true },
    };

    [Theory]
    [MemberData(nameof(LinearCases))]
    public void Linear_EitherLayoutBiasedOrNotFrozenOrNot_ValuesAndGradientsMatchTheDefinition(bool outputFirst, bool bias, bool frozen)
    {
        GradientInput[] xs =
        [
            new([2, M, K], -1, 1),
            new([K, M, 2], -1, 1) { View = leaf => leaf.Permute(2, 1, 0) },
            new([M, 1, K], -1, 1) { View = leaf => leaf.Expand([M, 2, K]) },
        ];
        Shape shape = outputFirst ? [N, K] : [K, N];
        Shape turned = outputFirst ? [K, N] : [N, K];
        GradientInput[] weights =
        [
            new(shape, -1, 1, 2) { RequiresGrad = !frozen },
            new(turned, -1, 1, 3) { RequiresGrad = !frozen, View = leaf => leaf.Transpose() },
        ];
        foreach (var x in xs)
        {
            foreach (var weight in weights)
            {
                GradientInput[] inputs = bias ? [x, weight, new([N], -1, 1, 4)] : [x, weight];
                GradientCheck.Run(
                    t => t[0].Linear(t[1], bias ? t[2] : null, outputFirst),
                    v => Linear(v[0], v[1], bias ? v[2] : new double[N], outputFirst),
                    Units,
                    inputs);
            }
        }
    }

    [Fact]
    public void Linear_AFrozenInputOrBias_LeavesTheOtherGradients()
    {
        GradientCheck.Run(
            t => t[0].Linear(t[1], t[2]),
            v => Linear(v[0], v[1], v[2], false),
            Units,
            new GradientInput([M, K], -1, 1) { RequiresGrad = false },
            new GradientInput([K, N], -1, 1, 2),
            new GradientInput([N], -1, 1, 3) { RequiresGrad = false });
    }

    // A tied weight: each gradient after the first is added in place.
    [Fact]
    public void Linear_AWeightUsedInBothLayouts_AddsItsGradients() => GradientCheck.Run(
        t => t[0].Linear(t[1]).Linear(t[1], outputFirst: true),
        v => Linear(Linear(v[0], v[1], new double[N], false), Turn(v[1], K, N), new double[K], false, N, K),
        5 * Units,
        new GradientInput([M, K], -1, 1),
        new GradientInput([K, N], -1, 1, 2));

    // The items of the product, and which item of each operand they read.
    public static TheoryData<long[], long[], int[], int[]> Batches => new()
    {
        { [], [], [0], [0] },
        { [2], [2], [0, 1], [0, 1] },
        { [2], [], [0, 1], [0, 0] },
        { [], [2], [0, 0], [0, 1] },
        { [2, 1], [3], [0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2] },
        { [1, 3], [2, 1], [0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1] },
    };

    [Theory]
    [MemberData(nameof(Batches))]
    public void MatMul_BatchesBroadcastAndTransposed_ValuesAndGradientsMatchTheDefinition(
        long[] aBatch, long[] bBatch, int[] aItems, int[] bItems)
    {
        GradientInput[] left =
        [
            new([.. aBatch, M, K], -1, 1), new([.. aBatch, K, M], -1, 1) { View = leaf => leaf.Transpose() },
        ];
        GradientInput[] right =
        [
            new([.. bBatch, K, N], -1, 1, 2), new([.. bBatch, N, K], -1, 1, 3) { View = leaf => leaf.Transpose() },
            new([.. bBatch, K, N], -1, 1, 4) { RequiresGrad = false },
        ];
        foreach (var a in left)
            foreach (var b in right)
                GradientCheck.Run(t => t[0].MatMul(t[1]), v => MatMul(v[0], v[1], aItems, bItems), Units, a, b);
    }

    private static double[] Linear(
        double[] x, double[] weight, double[] bias, bool outputFirst, int input = K, int output = N) =>
        [.. x.Chunk(input).SelectMany(row => Enumerable.Range(0, output).Select(
            j => bias[j] + row.Select((v, p) => v * weight[outputFirst ? (j * input) + p : (p * output) + j]).Sum()))];

    private static double[] MatMul(double[] a, double[] b, int[] aItems, int[] bItems) =>
        [.. aItems.Zip(bItems).SelectMany(item => Linear(
            a[(item.First * M * K)..((item.First + 1) * M * K)], b[(item.Second * K * N)..((item.Second + 1) * K * N)], new double[N], false))];

    private static double[] Turn(double[] x, int rows, int columns) =>
        [.. Enumerable.Range(0, columns).SelectMany(c => Enumerable.Range(0, rows).Select(r => x[(r * columns) + c]))];
}

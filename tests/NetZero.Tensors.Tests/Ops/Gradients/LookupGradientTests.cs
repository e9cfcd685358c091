using NetZero.Tensors.Cpu;
using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>Embedding, cross-entropy and dropout against central differences of their definitions.</summary>
public class LookupGradientTests
{
    private const int Rows = 4, Classes = 7;
    private const long Ignored = -100;

    // Id 2 three times, so its row's gradient sums three terms; id 1 never.
    [Fact]
    public void Embedding_RepeatedIds_ValuesAndGradientsMatchTheDefinition()
    {
        long[] ids = [2, 0, 2, 3, 0, 2];
        foreach (var table in new[] { new GradientInput([4, 3]), new GradientInput([3, 4]) { View = leaf => leaf.Transpose() } })
        {
            foreach (var wide in new[] { false, true })
            {
                GradientCheck.Run(
                    t => t[0].Embedding(wide
                        ? t[0].Context.From<long>(ids, [2, 3])
                        : t[0].Context.From<int>([.. ids.Select(id => (int)id)], [2, 3])),
                    x => [.. ids.SelectMany(id => x[0][((int)id * 3)..(((int)id + 1) * 3)])],
                    units: 3,
                    table);
            }
        }
    }

    // exp is within 1.5 ulp and its sum of 7 rounds 7 times, which the logarithm makes absolute; the loss and its mean of 4 rows round at its
    // own magnitude, which the check scales with; softmax has these errors and those of exp and the difference again. Doubling adds one.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CrossEntropy_WithIgnoredRows_ValuesAndGradientsMatchTheDefinition(bool overwriteLogits)
    {
        foreach (long[] targets in new long[][] { [3, 0, 6, 2], [3, Ignored, 0, Ignored] })
        {
            GradientInput[] views =
            [
                new([Rows, Classes]),
                new([Classes, Rows]) { View = leaf => leaf.Transpose() },
                new([1, Classes]) { View = leaf => leaf.Expand([Rows, Classes]) },
            ];
            foreach (var view in views)
            {
                GradientCheck.Run(
                    t => (t[0] * 2).CrossEntropy(t[0].Context.From<long>(targets, [Rows]), Ignored, overwriteLogits),
                    x => [CrossEntropy([.. x[0].Select(v => 2 * v)], targets)],
                    units: 48,
                    view);
            }
        }
    }

    [Fact]
    public void CrossEntropy_OfALeafAndItsView_ValuesAndGradientsMatchTheDefinition()
    {
        long[] targets = [1, 5, Ignored, 1];
        foreach (var overwriteLogits in new[] { false, true })
        {
            GradientCheck.Run(
                t => t[0].CrossEntropy(t[0].Context.From<long>(targets, [2, 2]), Ignored, overwriteLogits),
                x => [CrossEntropy(x[0], targets)],
                units: 48,
                new GradientInput([2, 2, Classes]));
        }
    }

    // y = x m: the product rounds once and m, 1 / (1 - p), once or twice.
    [Fact]
    public void Dropout_OfAFixedKey_ValuesAndGradientsMatchTheMask()
    {
        const double probability = 0.25;
        const int samples = 3, elements = 10;
        var key = new DropoutKey(Seed: 0, Step: 5, Site: 0, FirstSample: 2);
        var mask = new double[samples * elements];
        for (var i = 0; i < mask.Length; i++)
        {
            var (sample, element) = Math.DivRem(i, elements);
            var block = Philox.Generate((ulong)(element / 4), (ulong)(key.FirstSample + sample), key.Derive());
            uint[] words = [block.W0, block.W1, block.W2, block.W3];
            mask[i] = words[element % 4] < probability * (1L << 32) ? 0 : 1 / (1 - probability);
        }

        Assert.Contains(0, mask);
        GradientInput[] views =
        [
            new([samples, 2, elements / 2]), new([elements, samples]) { View = leaf => leaf.Transpose() },
        ];
        foreach (var view in views)
        {
            GradientCheck.Run(
                t =>
                {
                    t[0].Context.Random.BeginForward(key.Step, key.FirstSample);
                    return t[0].Dropout(probability);
                },
                x => [.. x[0].Zip(mask, (v, m) => v * m)],
                units: 3,
                view);
        }
    }

    private static double CrossEntropy(double[] logits, long[] targets) => logits.Chunk(Classes).Zip(targets)
        .Where(row => row.Second != Ignored)
        .Average(row => Math.Log(row.First.Sum(Math.Exp)) - row.First[(int)row.Second]);
}

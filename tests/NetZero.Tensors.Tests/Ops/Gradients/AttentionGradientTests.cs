using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>Attention and rotary embedding against central differences of their definitions.</summary>
public class AttentionGradientTests
{
    private const int B = 2, T = 5, D = 4;

    // Inputs lie below 1, so scores below 2: their 4 products, the scale and exp make a probability wrong by at most 25 relative roundings,
    // and a value by 5 more. In a gradient that error meets |dP - rowsum| <= 8, half of which the scale leaves, over probabilities that sum
    // to 1; for keys the sums over queries enter the terms that the check scales with.
    private const double Units = 256;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void CausalAttention_AnyView_ValuesAndGradientsMatchTheDefinition(int heads)
    {
        var channels = heads * D;
        GradientInput[] views =
        [
            new([B, T, 3 * channels], -1, 1),
            new([T, B, 3 * channels], -1, 1) { View = leaf => leaf.Transpose(0, 1) },
            new([B, T + 2, 3 * channels], -1, 1) { View = leaf => leaf.Slice(1, 1, T) },
        ];
        foreach (var view in views)
        {
            GradientCheck.Run(
                t => t[0].CausalAttention(heads),
                v => Attention(Part(v[0], 0, channels), Part(v[0], 1, channels), Part(v[0], 2, channels), heads, heads, causal: true),
                Units,
                view);
        }
    }

    [Theory]
    [InlineData(2, 2, true)]
    [InlineData(4, 2, true)]
    [InlineData(3, 1, false)]
    public void Attention_GroupedHeadsOfAnyStrides_ValuesAndGradientsMatchTheDefinition(int heads, int keyHeads, bool causal)
    {
        foreach (var strided in new[] { false, true })
        {
            GradientCheck.Run(
                t => t[0].Attention(t[1], t[2], causal),
                v => Attention(v[0], v[1], v[2], heads, keyHeads, causal),
                Units,
                Input(heads, 1, strided),
                Input(keyHeads, 2, strided),
                Input(keyHeads, 3, false));
        }
    }

    [Fact]
    public void Attention_FrozenKeys_LeaveTheOtherGradients() => GradientCheck.Run(
        t => t[0].Attention(t[1], t[2]),
        v => Attention(v[0], v[1], v[2], 2, 1, causal: true),
        Units,
        Input(2, 1, false),
        new GradientInput([B, T, 1, D], -1, 1, 2) { RequiresGrad = false },
        Input(1, 3, true));

    // Two products, of which the sine and the cosine are rounded as well, and a sum below 2: 6 roundings, 8 with those of the angle's use.
    [Fact]
    public void Rotary_AnyView_ValuesAndGradientsMatchTheDefinition()
    {
        foreach (var strided in new[] { false, true })
            GradientCheck.Run(t => t[0].Rotary(500, offset: 3), v => Rotary(v[0], 2, 500, 3), 8, Input(2, 1, strided));
    }

    // Heads first in memory, so that channels are adjacent and tokens are not; and channels apart, so that the op has to copy.
    private static GradientInput Input(int heads, int seed, bool strided) => strided
        ? new([B, heads, T, D], -1, 1, seed) { View = leaf => leaf.Transpose(1, 2) }
        : new([B, T, heads, D], -1, 1, seed);

    private static double[] Part(double[] packed, int part, int channels) =>
        [.. packed.Chunk(3 * channels).SelectMany(token => token[(part * channels)..((part + 1) * channels)])];

    private static double[] Attention(double[] q, double[] k, double[] v, int heads, int keyHeads, bool causal)
    {
        var y = new double[q.Length];
        var weights = new double[T];
        for (var row = 0; row < B * T * heads; row++)
        {
            var (batch, token, keyHead) = (row / (T * heads), row / heads % T, row % heads * keyHeads / heads);
            var visible = causal ? token + 1 : T;
            int Key(int j) => ((((batch * T) + j) * keyHeads) + keyHead) * D;
            for (var j = 0; j < visible; j++)
            {
                double score = 0;
                for (var d = 0; d < D; d++)
                    score += q[(row * D) + d] * k[Key(j) + d];
                weights[j] = Math.Exp(score / Math.Sqrt(D));
            }

            var sum = weights.Take(visible).Sum();
            for (var j = 0; j < visible; j++)
                for (var d = 0; d < D; d++)
                    y[(row * D) + d] += weights[j] / sum * v[Key(j) + d];
        }

        return y;
    }

    private static double[] Rotary(double[] x, int heads, double frequencyBase, int offset)
    {
        var y = new double[x.Length];
        for (var start = 0; start < x.Length; start += D)
        {
            var position = offset + (start / (heads * D) % T);
            for (var i = 0; i < D / 2; i++)
            {
                var (sine, cosine) = Math.SinCos(position * Math.Pow(frequencyBase, -2.0 * i / D));
                var (a, b) = (x[start + i], x[start + i + (D / 2)]);
                y[start + i] = (a * cosine) - (b * sine);
                y[start + i + (D / 2)] = (b * cosine) + (a * sine);
            }
        }

        return y;
    }
}

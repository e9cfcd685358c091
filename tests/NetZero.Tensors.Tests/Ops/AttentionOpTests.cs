using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public class AttentionOpTests
{
    private const int B = 2, T = 9, H = 3, D = 5, C = H * D;

    // Inputs below 1, rows of at most 9 probabilities: the kernel's tests derive the bound, 256 units of 2^-24 are a few times it at these sizes.
    private static readonly double Tolerance = 256 * Math.Pow(2, -24);

    [Fact]
    public void CausalAttention_OfPackedQueriesKeysValues_MatchesTheReferenceForwardAndBackward()
    {
        using var context = new TensorContext();
        var packed = PinnedFloats.Random(B * T * 3 * C, 1);
        var dy = PinnedFloats.Random(B * T * C, 2);
        var qkv = context.From<float>(packed.Span, [B, T, 3 * C]).RequireGrad();
        var y = qkv.CausalAttention(H);
        y.Backward(context.From<float>(dy.Span, [B, T, C]));

        var shape = new AttentionShape(B, T, H, H, D, 1 / MathF.Sqrt(D), true);
        var (q, k, v) = (Part(packed, 0), Part(packed, 1), Part(packed, 2));
        AssertClose(AttentionReference.Forward(q, k, v, shape), y.ToArray<float>());
        var expected = AttentionReference.Backward(q, k, v, dy.Span, shape);
        var dqkv = new PinnedFloats(B * T * 3 * C);
        qkv.Grad!.ToArray<float>().CopyTo(dqkv.Span);
        AssertClose(expected.Dq, Part(dqkv, 0));
        AssertClose(expected.Dk, Part(dqkv, 1));
        AssertClose(expected.Dv, Part(dqkv, 2));
    }

    [Fact]
    public void Attention_OfViewsOfAPackedTensor_EqualsCausalAttentionBitForBit()
    {
        using var context = new TensorContext();
        var packed = PinnedFloats.Random(B * T * 3 * C, 1);
        var dy = context.From<float>(PinnedFloats.Random(B * T * C, 2).Span, [B, T, C]);
        var a = context.From<float>(packed.Span, [B, T, 3 * C]).RequireGrad();
        var b = context.From<float>(packed.Span, [B, T, 3, H, D]).RequireGrad();
        var ya = a.CausalAttention(H);
        Tensor Head(int part) => b.Slice(2, part, 1).Reshape(B, T, H, D);
        var yb = Head(0).Attention(Head(1), Head(2)).Reshape(B, T, C);
        Assert.Equal(ya.ToArray<float>(), yb.ToArray<float>());
        ya.Backward(dy);
        yb.Backward(dy);
        Assert.Equal(a.Grad!.ToArray<float>(), b.Grad!.ToArray<float>());
    }

    [Fact]
    public void CausalAttention_HeadsThatDoNotDivideTheChannels_AreRefused()
    {
        using var context = new TensorContext();
        Assert.Throws<ArgumentException>(() => context.Full([1, 2, 12], 0).CausalAttention(3));
    }

    [Fact]
    public void CausalAttention_OnMeta_CountsTheSamePeaksAsOnTheCpu()
    {
        var peaks = new List<string>();
        foreach (var device in new[] { Device.Cpu, Device.Meta })
        {
            using var context = new TensorContext(new TensorContextOptions { Device = device });
            var qkv = context.Full([B, T, 3 * C], 0.1f).RequireGrad();
            qkv.CausalAttention(H).Backward(context.Full([B, T, C], 1));
            peaks.Add(string.Join(" ", context.Ledger.PeakSnapshot()));
        }

        Assert.Equal(peaks[0], peaks[1]);
    }

    [Fact]
    public void CausalAttention_OfManyTokens_HoldsLessThanOneMatrixOfTokensByTokens()
    {
        const long tokens = 8192;
        using var context = new TensorContext(new TensorContextOptions { Device = Device.Meta, Threads = 2 });
        context.Zeros([1, tokens, 3 * C]).RequireGrad().CausalAttention(H).Backward(context.Zeros([1, tokens, C]));
        Assert.InRange(context.Ledger.PeakBytes, 1, (tokens * tokens * sizeof(float)) / 4);
    }

    private static float[] Part(PinnedFloats packed, int part)
    {
        var result = new float[packed.Length / 3];
        for (var token = 0; token < B * T; token++)
            packed.Span.Slice(((token * 3) + part) * C, C).CopyTo(result.AsSpan(token * C));
        return result;
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Tolerance);
    }
}

using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public class RotaryOpTests
{
    // dx is dy turned by the opposite angle: the transpose of a rotation is its inverse.
    [Fact]
    public void Rotary_EveryHeadSize_MatchesTheReferenceForwardAndBackward()
    {
        for (var channels = 2; channels <= 130; channels += 2)
            Check(batch: 2, tokens: 3, heads: 2, channels, offset: 5);
        Check(batch: 1, tokens: 1, heads: 1, channels: 1100, offset: 0); // more pairs than one pass holds
    }

    [Fact]
    public void Rotary_OddNumberOfChannels_IsRefused()
    {
        using var context = new TensorContext();
        Assert.Throws<ArgumentException>(() => context.Full([1, 1, 1, 3], 0).Rotary());
    }

    private static void Check(int batch, int tokens, int heads, int channels, int offset)
    {
        using var context = new TensorContext(new TensorContextOptions { Threads = 2 });
        var (x, dy) = (PinnedFloats.Random(batch * tokens * heads * channels, 1), PinnedFloats.Random(batch * tokens * heads * channels, 2));
        var leaf = context.From<float>(x.Span, [batch, tokens, heads, channels]).RequireGrad();
        var y = leaf.Rotary(500, offset);
        y.Backward(context.From<float>(dy.Span, y.Shape));
        var (values, gradient) = (y.ToArray<float>(), leaf.Grad!.ToArray<float>());
        for (var start = 0; start < values.Length; start += channels)
        {
            var position = offset + (start / (heads * channels) % tokens);
            var forward = RotaryReference.Turn(x.Span.Slice(start, channels), position, 500);
            var backward = RotaryReference.Turn(dy.Span.Slice(start, channels), -position, 500);
            // Two products of numbers below 1, of which the sine and cosine are rounded too, and one difference below 2: 6 roundings.
            for (var i = 0; i < channels; i++)
            {
                Assert.Equal(forward[i], values[start + i], 6 * Math.Pow(2, -24));
                Assert.Equal(backward[i], gradient[start + i], 6 * Math.Pow(2, -24));
            }
        }
    }
}

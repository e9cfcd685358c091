using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = x with each pair of channels (i, i + D / 2) turned by the angle (offset + t) base^(-2 i / D). x, y [B, T, H, D]. Saves nothing.
/// Backward: dx = dy turned back.
/// </summary>
public static class RotaryOp
{
    /// <summary>Rotary position embedding in the layout of Llama: Su et al., "RoFormer" (2021), section 3.2, with the pairs half a head apart.</summary>
    /// <param name="x">Queries or keys, [B, T, H, D].</param>
    /// <param name="frequencyBase">The base of the frequencies (theta).</param>
    /// <param name="offset">The position of the first token.</param>
    /// <exception cref="ArgumentException">Not four-dimensional, or D is odd.</exception>
    public static Tensor Rotary(this Tensor x, double frequencyBase = 10000, long offset = 0)
    {
        if (x.Dims != 4 || x.Shape[3] % 2 != 0)
            throw new ArgumentException($"Rotary of {x}: expected [batch, tokens, heads, channels] with an even number of channels.", nameof(x));
        x = x.Contiguous();
        var y = x.Context.Empty(x.Shape, x.DType);
        Launch(x, y, frequencyBase, offset, inverse: false, accumulate: false);
        return GradientNode.Records(x) ? y.Attach(new Node(x, frequencyBase, offset)) : y;
    }

    private static unsafe void Launch(Tensor x, Tensor y, double frequencyBase, long offset, bool inverse, bool accumulate) =>
        x.Context.Launch(new RotaryKernel(
            x.Floats(), y.Floats(), x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], frequencyBase, offset, inverse, accumulate));

    private sealed class Node(Tensor x, double frequencyBase, long offset) : GradientNode(x)
    {
        public override string Name => "Rotary";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var target = sink.Target(0);
            Launch(dOutput, target.Tensor, frequencyBase, offset, inverse: true, target.Accumulate);
        }
    }
}

using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = x keep / (1 - p), keep = 0 with probability p. x, y [B, ..], B counting samples. Saves only the key of the random numbers:
/// backward makes the mask again, dx = dy keep / (1 - p).
/// </summary>
/// <remarks>The numbers depend on (seed, step, global sample, site, element), so any split of the batch over ranks drops the same elements.</remarks>
public static class DropoutOp
{
    /// <summary>Drops elements in training and gives <paramref name="x"/> itself otherwise.</summary>
    /// <param name="x">What to drop from; its first dimension counts samples, from the context's <see cref="RandomState.FirstSample"/> on.</param>
    /// <param name="probability">p, the share to drop, in [0, 1).</param>
    /// <exception cref="ArgumentOutOfRangeException">A probability outside of [0, 1).</exception>
    public static Tensor Dropout(this Tensor x, double probability)
    {
        if (!(probability is >= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, $"Dropout of {x}: the probability must be at least 0 and below 1.");
        if (probability == 0 || !x.Context.Training)
            return x;
        x = x.Contiguous();
        var random = x.Context.Random;
        var key = new DropoutKey(random.Seed, random.Step, random.NextSite(), random.FirstSample);
        var y = x.Context.Empty(x.Shape, x.DType);
        Launch(x, y, (float)probability, key, accumulate: false);
        return GradientNode.Records(x) ? y.Attach(new Node(x, (float)probability, key)) : y;
    }

    internal static unsafe void Launch(Tensor x, Tensor y, float probability, DropoutKey key, bool accumulate)
    {
        var samples = x.Dims == 0 ? 1 : x.Shape[0];
        x.Context.Launch(new DropoutKernel(
            x.Floats(), y.Floats(), samples, samples == 0 ? 0 : x.Elements / samples, probability, key, accumulate));
    }

    private sealed class Node(Tensor x, float probability, DropoutKey key) : GradientNode(x)
    {
        public override string Name => "Dropout";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var target = sink.Target(0);
            Launch(dOutput, target.Tensor, probability, key, target.Accumulate);
        }
    }
}

using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = Σ x, or y = Σ x / n, over a set of dimensions of n elements. Saves nothing. Backward: dx = dy, or dx = dy / n, repeated.
/// </summary>
public static class SumOp
{
    /// <summary>The sum over <paramref name="dims"/> (all when none is given), which disappear.</summary>
    /// <exception cref="ArgumentException">No such dimension, named twice, or not floating point.</exception>
    public static Tensor Sum(this Tensor x, params ReadOnlySpan<int> dims) => Apply("Sum", x, dims, mean: false, keepDims: false);

    /// <summary>The sum over <paramref name="dims"/>, which stay with an extent of 1 if <paramref name="keepDims"/> says so.</summary>
    /// <exception cref="ArgumentException">No such dimension, named twice, or not floating point.</exception>
    public static Tensor Sum(this Tensor x, ReadOnlySpan<int> dims, bool keepDims) => Apply("Sum", x, dims, mean: false, keepDims);

    /// <summary>The mean over <paramref name="dims"/> (all when none is given), which disappear.</summary>
    /// <exception cref="ArgumentException">No such dimension, named twice, nothing to average, or not floating point.</exception>
    public static Tensor Mean(this Tensor x, params ReadOnlySpan<int> dims) => Apply("Mean", x, dims, mean: true, keepDims: false);

    /// <summary>The mean over <paramref name="dims"/>, which stay with an extent of 1 if <paramref name="keepDims"/> says so.</summary>
    /// <exception cref="ArgumentException">No such dimension, named twice, nothing to average, or not floating point.</exception>
    public static Tensor Mean(this Tensor x, ReadOnlySpan<int> dims, bool keepDims) => Apply("Mean", x, dims, mean: true, keepDims);

    private static Tensor Apply(string op, Tensor x, ReadOnlySpan<int> dims, bool mean, bool keepDims)
    {
        Elementwise.CheckType(op, x);
        var reduced = Reduction.Dims(op, x, dims);
        var count = Reduction.CountOf(x.Shape, reduced);
        if (mean && count == 0)
            throw new ArgumentException($"Mean of {x}: there are no elements to average.");
        x = x.Contiguous();
        var scale = mean ? 1.0 / count : 1;
        var y = x.Context.Empty(Reduction.ShapeOf(x.Shape, reduced, keepDims), x.DType, MemoryKind.Activation, op);
        Reduction.Run<SumReduce>(x, reduced, new GradientTarget(y, false), scale);
        return GradientNode.Records(x) ? y.Attach(new Node(op, x, reduced, (float)scale)) : y;
    }

    private sealed class Node(string op, Tensor x, uint reduced, float scale) : GradientNode(x)
    {
        private readonly Shape _shape = x.Shape;

        public override string Name => op;

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var scaled = scale == 1 ? dOutput : Elementwise.Map(op, new ScaleRule(scale), dOutput);
            sink.Add(0, scaled.Reshape(Reduction.ShapeOf(_shape, reduced, keepDims: true).Extents).Expand(_shape));
        }
    }
}

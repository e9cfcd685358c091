using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = max x over a set of dimensions. Saves x and y. Backward: dx = dy where x equals the maximum, shared evenly among equal ones; 0
/// elsewhere.
/// </summary>
public static class MaxOp
{
    /// <summary>The largest element over <paramref name="dims"/> (all when none is given), which disappear; NaN when any is.</summary>
    /// <exception cref="ArgumentException">No such dimension, named twice, no elements, or not F32.</exception>
    public static Tensor Max(this Tensor x, params ReadOnlySpan<int> dims) => Max(x, dims, keepDims: false);

    /// <summary>
    /// The largest element over <paramref name="dims"/>, which stay with an extent of 1 if <paramref name="keepDims"/> says so.
    /// </summary>
    /// <exception cref="ArgumentException">No such dimension, named twice, no elements, or not F32.</exception>
    public static Tensor Max(this Tensor x, ReadOnlySpan<int> dims, bool keepDims)
    {
        Elementwise.CheckSingle("Max", x);
        var reduced = Reduction.Dims("Max", x, dims);
        if (Reduction.CountOf(x.Shape, reduced) == 0)
            throw new ArgumentException($"Max of {x}: there are no elements to choose from.");
        x = x.Contiguous();
        var y = x.Context.Empty(Reduction.ShapeOf(x.Shape, reduced, keepDims), DType.F32);
        Reduction.Run<MaxReduce>(x, reduced, new GradientTarget(y, false));
        return GradientNode.Records(x) ? y.Attach(new Node(x, y, reduced)) : y;
    }

    private sealed class Node : GradientNode
    {
        private readonly Tensor _x;
        private readonly Tensor _y;
        private readonly uint _reduced;

        public Node(Tensor x, Tensor y, uint reduced)
            : base(x)
        {
            _x = Save(x);
            _y = Save(y);
            _reduced = reduced;
        }

        public override string Name => "Max";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var kept = Reduction.ShapeOf(_x.Shape, _reduced, keepDims: true);
            var isMax = Elementwise.Map("Max", default(EqualRule), _x, _y.Reshape(kept.Extents).Expand(_x.Shape));
            var count = Context.Empty(kept, DType.F32, MemoryKind.Activation, "Max");
            Reduction.Run<SumReduce>(isMax, _reduced, new GradientTarget(count, false));
            var share = Elementwise.Map("Max", default(DivideRule), dOutput.Reshape(kept.Extents), count);
            Elementwise.MapInto(default(MultiplyRule), isMax, share.Expand(_x.Shape), sink.Target(0));
        }
    }
}

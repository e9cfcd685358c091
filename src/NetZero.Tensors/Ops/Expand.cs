using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = x repeated along dimensions of extent 1, a view with stride 0. Saves nothing. Backward: dx = dy summed over the repeats.
/// </summary>
public static class ExpandOp
{
    /// <summary>Broadcasts to <paramref name="shape"/>: new leading dimensions and extents of 1 repeat.</summary>
    /// <exception cref="ArgumentException">An extent other than 1 would change.</exception>
    public static Tensor Expand(this Tensor x, Shape shape)
    {
        if (x.Shape == shape)
            return x;
        var y = x.Reinterpret(shape, BroadcastStrides(x, shape), x.Offset);
        return GradientNode.Records(x) ? y.Attach(new Node(x)) : y;
    }

    /// <summary>The strides that read <paramref name="x"/> as <paramref name="shape"/>.</summary>
    internal static long[] BroadcastStrides(Tensor x, Shape shape)
    {
        var added = shape.Dims - x.Dims;
        if (added < 0)
            throw new ArgumentException($"{x} cannot be expanded to {shape}: it has more dimensions.");
        var strides = new long[shape.Dims];
        var own = x.Strides;
        for (var i = 0; i < x.Dims; i++)
        {
            if (x.Shape.Extents[i] == shape.Extents[i + added])
                strides[i + added] = own[i];
            else if (x.Shape.Extents[i] != 1)
                throw new ArgumentException($"{x} cannot be expanded to {shape}: dimension {i} is {x.Shape.Extents[i]}, not 1 and not {shape.Extents[i + added]}.");
        }

        return strides;
    }

    private sealed class Node(Tensor x) : GradientNode(x)
    {
        private readonly Shape _shape = x.Shape;

        public override string Name => "Expand";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var added = dOutput.Dims - _shape.Dims;
            var repeated = (1u << added) - 1;
            for (var i = 0; i < _shape.Dims; i++)
                if (_shape.Extents[i] != dOutput.Shape.Extents[i + added])
                    repeated |= 1u << (i + added);
            Reduction.Run<SumReduce>(dOutput, repeated, sink.Target(0));
        }
    }
}

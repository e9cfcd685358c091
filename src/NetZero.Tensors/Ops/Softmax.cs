using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = e^(x - max) / Σ e^(x - max) over one dimension, or its logarithm y = x - max - ln Σ e^(x - max). Any shape.
/// Saves y. Backward: dx = y (dy - Σ y dy); of the logarithm dx = dy - e^y Σ dy.
/// </summary>
public static class SoftmaxOp
{
    /// <summary>Softmax over <paramref name="dim"/>. Elements of -infinity get 0; where all are, the results are NaN.</summary>
    /// <exception cref="ArgumentException">No such dimension, or not F32.</exception>
    public static Tensor Softmax(this Tensor x, int dim = -1) => Apply("Softmax", x, dim, logarithm: false);

    /// <summary>The logarithm of softmax over <paramref name="dim"/>, without losing small probabilities.</summary>
    /// <exception cref="ArgumentException">No such dimension, or not F32.</exception>
    public static Tensor LogSoftmax(this Tensor x, int dim = -1) => Apply("LogSoftmax", x, dim, logarithm: true);

    private static Tensor Apply(string op, Tensor x, int dim, bool logarithm)
    {
        Elementwise.CheckSingle(op, x);
        dim = x.Shape.ResolveDim(dim);
        return dim == x.Dims - 1
            ? Rows(op, x.Contiguous(), logarithm)
            : Rows(op, x.Transpose(dim, -1).Contiguous(), logarithm).Transpose(dim, -1);
    }

    private static unsafe Tensor Rows(string op, Tensor x, bool logarithm)
    {
        var y = x.Context.Empty(x.Shape, DType.F32, MemoryKind.Activation, op);
        var columns = x.Shape[^1];
        x.Context.Launch(new SoftmaxKernel(x.Data<float>(), y.Data<float>(), columns == 0 ? 0 : x.Elements / columns, columns, logarithm));
        return GradientNode.Records(x) ? y.Attach(new Node(op, x, y, logarithm)) : y;
    }

    private sealed class Node : GradientNode
    {
        private readonly Tensor _y;
        private readonly bool _logarithm;

        public Node(string op, Tensor x, Tensor y, bool logarithm)
            : base(x)
        {
            Name = op;
            _y = Save(y);
            _logarithm = logarithm;
        }

        public override string Name { get; }

        protected override unsafe void Backward(Tensor dOutput, GradientSink sink)
        {
            var columns = _y.Shape[^1];
            var rows = columns == 0 ? 0 : _y.Elements / columns;
            var (dx, accumulate) = sink.Target(0);
            Context.Launch(new SoftmaxBackwardKernel(
                _y.Data<float>(), dOutput.Data<float>(), dx.Data<float>(), rows, columns, _logarithm, accumulate));
        }
    }
}

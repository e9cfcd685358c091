using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = x in row-major order. Shapes: any. Saves nothing. Backward: dx = dy.</summary>
public static class ContiguousOp
{
    /// <summary>This tensor if it is contiguous, a contiguous copy otherwise.</summary>
    public static Tensor Contiguous(this Tensor x)
    {
        if (x.IsContiguous)
            return x;
        var y = x.Context.Empty(x.Shape, x.DType);
        x.Context.Launch(new StridedCopyKernel(x, y));
        return GradientNode.Records(x) ? y.Attach(new Node(x)) : y;
    }

    private sealed class Node(Tensor x) : GradientNode(x)
    {
        public override string Name => "Contiguous";

        protected override void Backward(Tensor dOutput, GradientSink sink) => sink.Add(0, dOutput);
    }
}

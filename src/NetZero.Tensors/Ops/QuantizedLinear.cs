namespace NetZero.Tensors;

/// <summary>
/// y = x · W (+ bias) with W in codes. Shapes: x [..., in], W [in, out] or [out, in], bias [out], y [..., out] of the type of x. Saves W where x wants a gradient.
/// Backward: dx = dy · W^T. W and bias have no gradient.
/// </summary>
public static class QuantizedLinearOp
{
    /// <summary>Applies a frozen linear layer.</summary>
    /// <param name="x">[..., in]</param>
    /// <param name="weight">[in, out] or [out, in]; also floating point.</param>
    /// <param name="bias">[out] or null; without gradient.</param>
    /// <param name="outputFirst">True: the weight is [out, in].</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, or a weight or bias that wants a gradient.</exception>
    public static Tensor QuantizedLinear(this Tensor x, FrozenMatrix weight, Tensor? bias = null, bool outputFirst = false)
    {
        ArgumentNullException.ThrowIfNull(x);
        Check("QuantizedLinear", x, weight, bias, outputFirst);
        (x, bias) = (x.Contiguous(), bias?.Contiguous());
        var y = x.Context.ResultOf(KeptOps.MatMul, x.Shape.With(^1, outputFirst ? weight.Rows : weight.Columns), weight.ResultType(x), out var known);
        if (!known)
            weight.Multiply(x, y, outputFirst, bias is null ? default : bias.Floats());
        return GradientNode.Records(x) ? y.Attach(new Node(x, weight, outputFirst)) : y;
    }

    /// <summary>Refuses what a frozen layer cannot take.</summary>
    internal static void Check(string op, Tensor x, FrozenMatrix weight, Tensor? bias, bool outputFirst)
    {
        SameContext.Check(op, x, weight.Elements);
        SameContext.Check(op, x, bias ?? x);
        var (input, output) = outputFirst ? (weight.Columns, weight.Rows) : (weight.Rows, weight.Columns);
        if (x.Dims < 1 || x.Shape[^1] != input)
            throw new ArgumentException($"{op} of {x} and a weight [{weight.Rows}, {weight.Columns}]: the last extent of x must be {input}.");
        if (bias is not null && (bias.Dims != 1 || bias.Elements != output))
            throw new ArgumentException($"{op} of {x} and a weight [{weight.Rows}, {weight.Columns}]: expected a bias of shape [{output}], found {bias}.");
        if (weight.Elements.RequiresGrad || bias is { RequiresGrad: true })
            throw new ArgumentException($"{op} of {x} and {weight.Elements}: the layer is frozen; Detach() its weight and bias, or use Linear.");
    }

    private sealed class Node : GradientNode
    {
        private readonly FrozenMatrix _weight;
        private readonly bool _outputFirst;

        public Node(Tensor x, FrozenMatrix weight, bool outputFirst)
            : base(x)
        {
            Save(weight.Elements);
            (_weight, _outputFirst) = (weight, outputFirst);
        }

        public override string Name => "QuantizedLinear";

        protected override void Backward(Tensor dOutput, GradientSink sink) => _weight.MultiplyTurned(dOutput, sink.Target(0), _outputFirst);
    }
}

namespace NetZero.Tensors;

/// <summary>
/// y = x · W (+ bias). Shapes: x [..., in], W [in, out] or [out, in], bias [out], y [..., out]. Saves x where W wants a gradient, and W where x does.
/// Backward: dx = dy · W^T, dW = x^T · dy (or dy^T · x for W [out, in]), dbias = dy summed over all rows.
/// </summary>
public static unsafe class LinearOp
{
    /// <summary>Applies a linear layer.</summary>
    /// <param name="x">[..., in]</param>
    /// <param name="weight">[in, out] as in GPT-2's Conv1D, or [out, in] as in torch.nn.Linear and in a tied embedding.</param>
    /// <param name="bias">[out] or null.</param>
    /// <param name="outputFirst">True: the weight is [out, in].</param>
    /// <returns>[..., out]</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit.</exception>
    public static Tensor Linear(this Tensor x, Tensor weight, Tensor? bias = null, bool outputFirst = false)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        SameContext.Check("Linear", x, weight);
        SameContext.Check("Linear", x, bias ?? x);
        Check(x, weight, bias, outputFirst);
        x = x.Contiguous();
        bias = bias?.Contiguous();
        var y = x.Context.ResultOf(KeptOps.MatMul, x.Shape.With(^1, outputFirst ? weight.Shape[0] : weight.Shape[1]), Elementwise.CommonType(x, weight), out var known);
        var (input, output) = (x.Shape[^1], y.Shape[^1]);
        if (!known)
        {
            GemmLaunch.Single(
                x.Context, Rows(x), output, input, Matrix(x, input), Weight(weight, outputFirst), Matrix(y, output), accumulate: false,
                bias is null ? default : bias.Floats());
        }

        if (bias is null)
            return GradientNode.Records(x, weight) ? y.Attach(new Node(x, weight, outputFirst, x, weight)) : y;
        return GradientNode.Records(x, weight, bias) ? y.Attach(new Node(x, weight, outputFirst, x, weight, bias)) : y;
    }

    private static void Check(Tensor x, Tensor weight, Tensor? bias, bool outputFirst)
    {
        if (x.Dims < 1 || weight.Dims != 2)
            throw new ArgumentException($"Linear of {x} and {weight}: expected x [..., in] and a weight of two dimensions.");
        var (input, output) = outputFirst ? (weight.Shape[1], weight.Shape[0]) : (weight.Shape[0], weight.Shape[1]);
        if (x.Shape[^1] != input)
        {
            var layout = outputFirst ? "[out, in]" : "[in, out]";
            throw new ArgumentException(
                $"Linear of {x} and {weight}: the last extent of x is {x.Shape[^1]}, the weight, read as {layout}, takes {input}; the other layout is outputFirst: {!outputFirst}.");
        }

        if (bias is not null && (bias.Dims != 1 || bias.Elements != output))
            throw new ArgumentException($"Linear of {x} and {weight}: expected a bias of shape [{output}], found {bias}.");
    }

    internal static long Rows(Tensor x)
    {
        long rows = 1;
        foreach (var extent in x.Shape.Extents[..^1])
            rows *= extent;
        return rows;
    }

    internal static GemmMatrix Matrix(Tensor x, long columns) => new(x.Floats(), columns, 1);

    internal static GemmMatrix Transposed(Tensor x, long columns) => new(x.Floats(), 1, columns);

    // As [in, out].
    internal static GemmMatrix Weight(Tensor weight, bool outputFirst)
    {
        var strides = weight.Strides;
        return outputFirst
            ? new GemmMatrix(weight.Floats(), strides[1], strides[0])
            : new GemmMatrix(weight.Floats(), strides[0], strides[1]);
    }

    private sealed class Node : GradientNode
    {
        private readonly Tensor? _x;
        private readonly Tensor? _weight;
        private readonly long _input;
        private readonly bool _outputFirst;

        public Node(Tensor x, Tensor weight, bool outputFirst, params ReadOnlySpan<Tensor> inputs)
            : base(inputs)
        {
            // What only the gradient of the other needs is not kept: a frozen layer holds no activation.
            _x = weight.RequiresGrad ? Save(x) : null;
            _weight = x.RequiresGrad ? Save(weight) : null;
            _input = x.Shape[^1];
            _outputFirst = outputFirst;
        }

        public override string Name => "Linear";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var (rows, input, output) = (Rows(dOutput), _input, dOutput.Shape[^1]);
            if (sink.Needs(0))
            {
                var dx = sink.Target(0);
                var weight = Weight(_weight!, !_outputFirst);
                GemmLaunch.Single(
                    Context, rows, input, output, Matrix(dOutput, output), weight, Matrix(dx.Tensor, input), dx.Accumulate);
            }

            if (sink.Needs(1))
            {
                var dWeight = sink.Target(1);
                if (_outputFirst)
                {
                    GemmLaunch.Single(
                        Context, output, input, rows, Transposed(dOutput, output), Matrix(_x!, input), Matrix(dWeight.Tensor, input),
                        dWeight.Accumulate);
                }
                else
                {
                    GemmLaunch.Single(
                        Context, input, output, rows, Transposed(_x!, input), Matrix(dOutput, output), Matrix(dWeight.Tensor, output),
                        dWeight.Accumulate);
                }
            }

            if (Edges.Length > 2 && sink.Needs(2))
            {
                var dBias = sink.Target(2);
                Context.Launch(new ColumnSumKernel(
                    dOutput.Floats(), dBias.Tensor.Floats(), rows, output, dBias.Accumulate));
            }
        }
    }
}

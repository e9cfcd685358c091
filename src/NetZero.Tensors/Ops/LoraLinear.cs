using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = x · W (+ bias) + s (drop(x) · A^T) · B^T with W and bias frozen (Hu et al. 2021, "LoRA", section 4.1). Shapes: x [..., in], W [in, out] or [out, in], A [r, in], B [out, r],
/// y [..., out]. Saves x, A, B, h = s drop(x) · A^T [..., r] in F32, the key of the dropped elements, and W where x wants a gradient.
/// Backward, with g = s dy · B: dx = dy · W^T + drop'(g · A), dA = g^T · drop(x), dB = dy^T · h. No gradient of W is computed.
/// </summary>
/// <remarks>The second product is added to the first where that lies: y is rounded once by each where it has 16 bits.</remarks>
public static unsafe class LoraLinearOp
{
    /// <summary>Applies a frozen linear layer with a low-rank adapter.</summary>
    /// <param name="x">[..., in]; its first dimension counts samples where elements are dropped.</param>
    /// <param name="weight">[in, out] or [out, in], of floating point or in codes; without gradient.</param>
    /// <param name="bias">[out] or null; without gradient.</param>
    /// <param name="a">A, [r, in].</param>
    /// <param name="b">B, [out, r].</param>
    /// <param name="scale">s.</param>
    /// <param name="dropout">The probability with which elements of x are dropped in training, in [0, 1), on the way to A alone.</param>
    /// <param name="outputFirst">True: the weight is [out, in].</param>
    /// <returns>[..., out]</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit, or a weight or bias that wants a gradient.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A probability outside of [0, 1).</exception>
    public static Tensor LoraLinear(
        this Tensor x, FrozenMatrix weight, Tensor? bias, Tensor a, Tensor b, float scale, double dropout = 0, bool outputFirst = false)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        SameContext.Check("LoraLinear", a, b);
        SameContext.Check("LoraLinear", x, a);
        QuantizedLinearOp.Check("LoraLinear", x, weight, bias, outputFirst);
        Check(x, a, b, outputFirst ? weight.Rows : weight.Columns);
        if (!(dropout is >= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(dropout), dropout, $"LoraLinear of {x}: the probability must be at least 0 and below 1.");
        (x, a, b, bias) = (x.Contiguous(), a.Contiguous(), b.Contiguous(), bias?.Contiguous());
        var context = x.Context;
        var (rows, input, output, rank) = (LinearOp.Rows(x), x.Shape[^1], b.Shape[0], a.Shape[0]);
        var random = context.Random;
        var drops = dropout > 0 && context.Training;
        var dropped = new Dropped((float)dropout, drops ? new DropoutKey(random.Seed, random.Step, random.NextSite(), random.FirstSample) : null);
        var records = GradientNode.Records(x, a, b);

        var h = records ? context.Empty(x.Shape.With(^1, rank), DType.F32, name: "LoraLinear h") : null;
        var y = context.ResultOf(KeptOps.MatMul, x.Shape.With(^1, output), weight.ResultType(x), out var known);
        using (context.BeginScope("LoraLinear"))
        {
            if (!known)
                weight.Multiply(x, y, outputFirst, bias is null ? default : bias.Floats());
            if (records || !known)
            {
                var low = h ?? context.Empty(x.Shape.With(^1, rank), DType.F32, name: "LoraLinear h");
                var into = dropped.Of(x);
                GemmLaunch.Single(context, rows, rank, input, LinearOp.Matrix(into, input), LinearOp.Transposed(a, input), LinearOp.Matrix(low, rank), accumulate: false);
                low.ScaleInPlace(scale);
                if (!known)
                    GemmLaunch.Single(context, rows, output, rank, LinearOp.Matrix(low, rank), LinearOp.Transposed(b, rank), LinearOp.Matrix(y, output), accumulate: true);
            }
        }

        return records ? y.Attach(new Node(x, weight, a, b, h!, scale, dropped, outputFirst)) : y;
    }

    private static void Check(Tensor x, Tensor a, Tensor b, long output)
    {
        if (a.Dims != 2 || b.Dims != 2 || a.Shape[1] != x.Shape[^1] || b.Shape[0] != output || b.Shape[1] != a.Shape[0])
            throw new ArgumentException($"LoraLinear of {x}: expected A [r, {x.Shape[^1]}] and B [{output}, r], found {a} and {b}.");
    }

    /// <summary>x with elements dropped, made again where it is needed.</summary>
    private readonly record struct Dropped(float Probability, DropoutKey? Key)
    {
        public Tensor Of(Tensor x)
        {
            if (Key is not { } key)
                return x;
            var y = x.Context.Empty(x.Shape, x.DType, name: "LoraLinear dropped");
            DropoutOp.Launch(x, y, Probability, key, accumulate: false);
            return y;
        }
    }

    private sealed class Node : GradientNode
    {
        private readonly Tensor _x;
        private readonly FrozenMatrix _weight;
        private readonly Tensor _a;
        private readonly Tensor _b;
        private readonly Tensor _h;
        private readonly float _scale;
        private readonly Dropped _dropped;
        private readonly bool _outputFirst;

        public Node(Tensor x, FrozenMatrix weight, Tensor a, Tensor b, Tensor h, float scale, Dropped dropped, bool outputFirst)
            : base(x, a, b)
        {
            (_x, _a, _b, _h) = (Save(x), Save(a), Save(b), Save(h));
            if (x.RequiresGrad)
                Save(weight.Elements);
            (_weight, _scale, _dropped, _outputFirst) = (weight, scale, dropped, outputFirst);
        }

        public override string Name => "LoraLinear";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var (rows, input, output, rank) = (LinearOp.Rows(_x), _x.Shape[^1], dOutput.Shape[^1], _a.Shape[0]);
            var dy = LinearOp.Matrix(dOutput, output);
            if (sink.Needs(2))
            {
                var db = sink.Target(2);
                GemmLaunch.Single(Context, output, rank, rows, LinearOp.Transposed(dOutput, output), LinearOp.Matrix(_h, rank), LinearOp.Matrix(db.Tensor, rank), db.Accumulate);
            }

            if (!sink.Needs(0) && !sink.Needs(1))
                return;
            var g = Context.Empty(_h.Shape, DType.F32, name: "LoraLinear g");
            GemmLaunch.Single(Context, rows, rank, output, dy, LinearOp.Matrix(_b, rank), LinearOp.Matrix(g, rank), accumulate: false);
            g.ScaleInPlace(_scale);
            if (sink.Needs(1))
            {
                var da = sink.Target(1);
                GemmLaunch.Single(
                    Context, rank, input, rows, LinearOp.Transposed(g, rank), LinearOp.Matrix(_dropped.Of(_x), input), LinearOp.Matrix(da.Tensor, input), da.Accumulate);
            }

            if (sink.Needs(0))
                BackwardInput(dOutput, g, sink.Target(0));
        }

        private void BackwardInput(Tensor dOutput, Tensor g, GradientTarget dx)
        {
            var (rows, input, rank) = (LinearOp.Rows(_x), _x.Shape[^1], _a.Shape[0]);
            _weight.MultiplyTurned(dOutput, dx, _outputFirst);
            if (_dropped.Key is not { } key)
            {
                GemmLaunch.Single(Context, rows, input, rank, LinearOp.Matrix(g, rank), LinearOp.Matrix(_a, input), LinearOp.Matrix(dx.Tensor, input), accumulate: true);
                return;
            }

            var through = Context.Empty(_x.Shape, _x.DType, name: "LoraLinear gradient");
            GemmLaunch.Single(Context, rows, input, rank, LinearOp.Matrix(g, rank), LinearOp.Matrix(_a, input), LinearOp.Matrix(through, input), accumulate: false);
            DropoutOp.Launch(through, dx.Tensor, _dropped.Probability, key, accumulate: true);
        }
    }
}

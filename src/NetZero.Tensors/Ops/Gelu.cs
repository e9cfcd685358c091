using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3), or exactly y = x (1 + erf(x / sqrt 2)) / 2 (Hendrycks and Gimpel 2016, section 2). Any shape.
/// Saves x. Backward: dx = dy y'(x), computed from x.
/// </summary>
public static class GeluOp
{
    /// <summary>GELU by tanh, as GPT-2 (<c>gelu_new</c>).</summary>
    public static Tensor Gelu(this Tensor x) => Apply<GeluRule, GeluBackwardRule>(x);

    /// <summary>GELU by erf.</summary>
    public static Tensor GeluExact(this Tensor x) => Apply<GeluExactRule, GeluExactBackwardRule>(x);

    private static unsafe Tensor Apply<TRule, TBackwardRule>(Tensor x)
        where TRule : struct, IUnaryRule
        where TBackwardRule : struct, IBinaryRule
    {
        ArgumentNullException.ThrowIfNull(x);
        x = x.Contiguous();
        var y = x.Context.Empty(x.Shape, DType.F32, MemoryKind.Activation, "Gelu");
        x.Context.Launch(new UnaryKernel<TRule>(default, x.Data<float>(), y.Data<float>(), StridedPlan.Flat(x.Elements)));
        return GradientNode.Records(x) ? y.Attach(new Node<TBackwardRule>(x)) : y;
    }

    private sealed class Node<TRule> : GradientNode
        where TRule : struct, IBinaryRule
    {
        private readonly Tensor _x;

        public Node(Tensor x)
            : base(x) =>
            _x = Save(x);

        public override string Name => "Gelu";

        protected override unsafe void Backward(Tensor dOutput, GradientSink sink)
        {
            var (dx, accumulate) = sink.Target(0);
            Context.Launch(new BinaryKernel<TRule>(
                default, _x.Data<float>(), dOutput.Data<float>(), dx.Data<float>(), StridedPlan.Flat(_x.Elements), accumulate));
        }
    }
}

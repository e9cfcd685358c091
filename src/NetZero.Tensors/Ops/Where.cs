using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = a where a condition is not 0, b elsewhere; all broadcast to a common shape. Saves the condition. Backward: da = dy where the
/// condition holds, db = dy
/// elsewhere, 0 otherwise. Values that are not chosen pass no gradient, whatever they are (NaN too).
/// </summary>
public static class WhereOp
{
    extension(Tensor)
    {
        /// <summary>Chooses by a condition of type U8.</summary>
        /// <exception cref="ArgumentException">The shapes do not broadcast, the condition is not U8, or a or b is not F32.</exception>
        public static Tensor Where(Tensor condition, Tensor a, Tensor b)
        {
            Elementwise.CheckCondition("Where", condition);
            Elementwise.CheckType("Where", a);
            Elementwise.CheckType("Where", b);
            (a, b) = Broadcasting.Expand("Where", a, b);
            (condition, a) = Broadcasting.Expand("Where", condition, a);
            b = b.Expand(a.Shape);
            var y = a.Context.Empty(a.Shape, Elementwise.CommonType(a, b));
            Elementwise.MapInto(default(SelectRule), condition, a, b, new GradientTarget(y, false));
            return GradientNode.Records(a, b) ? y.Attach(new Node(condition, a, b)) : y;
        }
    }

    /// <summary>
    /// y = <paramref name="value"/> where the mask is not 0, this elsewhere; the mask is of type U8 and broadcasts to this.
    /// </summary>
    /// <exception cref="ArgumentException">The mask does not broadcast to this shape or is not U8, or this is not F32.</exception>
    public static Tensor MaskedFill(this Tensor x, Tensor mask, float value)
    {
        Elementwise.CheckCondition("MaskedFill", mask);
        Elementwise.CheckType("MaskedFill", x);
        SameContext.Check("MaskedFill", x, mask);
        mask = mask.Expand(x.Shape);
        var y = x.Context.Empty(x.Shape, x.DType);
        Elementwise.MapInto(new FillWhereRule(value), mask, x, new GradientTarget(y, false));
        return GradientNode.Records(x) ? y.Attach(new FillNode(mask, x)) : y;
    }

    private sealed class Node : GradientNode
    {
        private readonly Tensor _condition;

        public Node(Tensor condition, Tensor a, Tensor b)
            : base(a, b) =>
            _condition = Save(condition);

        public override string Name => "Where";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            if (sink.Needs(0))
                Elementwise.MapInto(default(KeepWhereRule), _condition, dOutput, sink.Target(0));
            if (sink.Needs(1))
                Elementwise.MapInto(default(KeepWhereNotRule), _condition, dOutput, sink.Target(1));
        }
    }

    private sealed class FillNode : GradientNode
    {
        private readonly Tensor _mask;

        public FillNode(Tensor mask, Tensor x)
            : base(x) =>
            _mask = Save(mask);

        public override string Name => "MaskedFill";

        protected override void Backward(Tensor dOutput, GradientSink sink) =>
            Elementwise.MapInto(default(KeepWhereNotRule), _mask, dOutput, sink.Target(0));
    }
}

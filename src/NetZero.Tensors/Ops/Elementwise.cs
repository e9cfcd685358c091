using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>What the elementwise ops share: checks, launches of their rules, and the backward node of those with one input.</summary>
internal static unsafe class Elementwise
{
    /// <summary>y = rule(x), recorded; backward computes dx = TBackward(saved, dy), where the input or the output is saved.</summary>
    public static Tensor Apply<TRule, TBackward>(string op, Tensor x, bool saveOutput, TRule rule = default, TBackward backward = default)
        where TRule : struct, IUnaryRule
        where TBackward : struct, IBinaryRule
    {
        var y = Map(op, rule, x);
        return GradientNode.Records(x) ? y.Attach(new Node<TBackward>(op, x, saveOutput ? y : x, backward)) : y;
    }

    /// <summary>y = rule(x), not recorded.</summary>
    public static Tensor Map<TRule>(string op, TRule rule, Tensor x)
        where TRule : struct, IUnaryRule
    {
        CheckType(op, x);
        var y = x.Context.Empty(x.Shape, x.DType, MemoryKind.Activation, op);
        MapInto(rule, x, new GradientTarget(y, false));
        return y;
    }

    /// <summary>y = rule(a, b) for operands of one shape, not recorded.</summary>
    public static Tensor Map<TRule>(string op, TRule rule, Tensor a, Tensor b)
        where TRule : struct, IBinaryRule
    {
        CheckType(op, a);
        CheckType(op, b);
        var y = a.Context.Empty(a.Shape, CommonType(a, b), MemoryKind.Activation, op);
        MapInto(rule, a, b, new GradientTarget(y, false));
        return y;
    }

    /// <summary>target (+)= rule(x).</summary>
    public static void MapInto<TRule>(TRule rule, Tensor x, GradientTarget target)
        where TRule : struct, IUnaryRule
    {
        var y = target.Tensor;
        var plan = x.IsContiguous && y.IsContiguous
            ? StridedPlan.Flat(y.Elements)
            : StridedPlan.Strided(y.Shape.Extents, y.Strides, x.Strides);
        y.Context.Launch(new UnaryKernel<TRule>(rule, x.Floats(), y.Floats(), plan, target.Accumulate));
    }

    /// <summary>target (+)= rule(a, b); a may be a condition of type U8.</summary>
    public static void MapInto<TRule>(TRule rule, Tensor a, Tensor b, GradientTarget target)
        where TRule : struct, IBinaryRule
    {
        var y = target.Tensor;
        var plan = a.IsContiguous && b.IsContiguous && y.IsContiguous
            ? StridedPlan.Flat(y.Elements)
            : StridedPlan.Strided(y.Shape.Extents, y.Strides, a.Strides, b.Strides);
        y.Context.Launch(a.DType == DType.U8
            ? new BinaryKernel<TRule>(rule, a.Data<byte>(), b.Floats(), y.Floats(), plan, target.Accumulate)
            : new BinaryKernel<TRule>(rule, a.Floats(), b.Floats(), y.Floats(), plan, target.Accumulate));
    }

    /// <summary>target (+)= rule(a, b, c); a may be a condition of type U8.</summary>
    public static void MapInto<TRule>(TRule rule, Tensor a, Tensor b, Tensor c, GradientTarget target)
        where TRule : struct, ITernaryRule
    {
        var y = target.Tensor;
        var plan = a.IsContiguous && b.IsContiguous && c.IsContiguous && y.IsContiguous
            ? StridedPlan.Flat(y.Elements)
            : StridedPlan.Strided(y.Shape.Extents, y.Strides, a.Strides, b.Strides, c.Strides);
        y.Context.Launch(a.DType == DType.U8
            ? new TernaryKernel<TRule>(rule, a.Data<byte>(), b.Floats(), c.Floats(), y.Floats(), plan, target.Accumulate)
            : new TernaryKernel<TRule>(rule, a.Floats(), b.Floats(), c.Floats(), y.Floats(), plan, target.Accumulate));
    }

    /// <summary>The type of a result of two operands: theirs, or F32 where they differ.</summary>
    public static DType CommonType(Tensor a, Tensor b) => a.DType == b.DType ? a.DType : DType.F32;

    /// <summary>Refuses element types without arithmetic.</summary>
    /// <exception cref="ArgumentException">Not floating point.</exception>
    public static void CheckType(string op, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (!x.DType.IsFloatingPoint())
            throw new ArgumentException($"{op} of {x}: elements are {x.DType}, expected F32, BF16 or F16; Cast(DType.F32) first.");
    }

    /// <summary>Refuses element types other than F32, for ops that know no other.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static void CheckSingle(string op, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.DType != DType.F32)
            throw new ArgumentException($"{op} of {x}: elements are {x.DType}, expected F32; Cast(DType.F32) first.");
    }

    /// <summary>Refuses conditions of another type than U8.</summary>
    /// <exception cref="ArgumentException">Not U8.</exception>
    public static void CheckCondition(string op, Tensor condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        if (condition.DType != DType.U8)
        {
            throw new ArgumentException(
                $"{op}: the condition {condition} has elements of {condition.DType}, expected U8 (0 is false); Cast(DType.U8) first.");
        }
    }

    private sealed class Node<TRule> : GradientNode
        where TRule : struct, IBinaryRule
    {
        private readonly Tensor _saved;
        private readonly TRule _rule;

        public Node(string op, Tensor x, Tensor saved, TRule rule)
            : base(x)
        {
            Name = op;
            _saved = Save(saved);
            _rule = rule;
        }

        public override string Name { get; }

        protected override void Backward(Tensor dOutput, GradientSink sink) => MapInto(_rule, _saved, dOutput, sink.Target(0));
    }
}

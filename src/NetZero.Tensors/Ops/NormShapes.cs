using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>What the normalisation ops share.</summary>
internal static unsafe class NormShapes
{
    /// <summary>C, once the weight is known to have the shape [C].</summary>
    public static long Columns(string operation, Tensor x, Tensor weight)
    {
        if (x.Dims == 0)
            throw new ArgumentException($"{operation} of {x}: a scalar has no dimension to normalise over.", nameof(x));
        Check(operation, x, weight, x.Shape[^1]);
        return x.Shape[^1];
    }

    public static long Rows(Tensor x) => x.Shape[^1] == 0 ? 0 : x.Elements / x.Shape[^1];

    public static void Check(string operation, Tensor x, Tensor parameter, long columns)
    {
        SameContext.Check(operation, x, parameter);
        if (parameter.Dims != 1 || parameter.Shape[0] != columns)
            throw new ArgumentException(
                $"{operation} of {x}: the parameter {parameter} must have the shape [{columns}] of the innermost dimension.", nameof(parameter));
    }

    /// <summary>Whether any of some operands is 16-bit, so that its rows go through tiles.</summary>
    public static bool Has16Bits(params ReadOnlySpan<Tensor> operands)
    {
        foreach (var operand in operands)
            if (operand.DType != DType.F32)
                return true;
        return false;
    }

    /// <summary>Where the gradient of an input goes; null if nobody wants it (or on Meta, where nothing runs).</summary>
    public static (FloatPointer Pointer, bool Accumulate) Target(GradientSink sink, int index)
    {
        if (!sink.Needs(index))
            return (default, false);
        var target = sink.Target(index);
        return (target.Tensor.Floats(), target.Accumulate);
    }
}

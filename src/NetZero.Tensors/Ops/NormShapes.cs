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

    /// <summary>Where the gradient of an input goes; null if nobody wants it (or on Meta, where nothing runs).</summary>
    public static (nint Pointer, bool Accumulate) Target(GradientSink sink, int index)
    {
        if (!sink.Needs(index))
            return (0, false);
        var target = sink.Target(index);
        return ((nint)target.Tensor.Data<float>(), target.Accumulate);
    }
}

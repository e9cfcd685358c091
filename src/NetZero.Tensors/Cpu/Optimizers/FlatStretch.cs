using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>A stretch of a flat shard that an optimizer's kernel updates: values, gradients, and where it lies.</summary>
public readonly unsafe struct FlatStretch
{
    private readonly float* _gradientScale;
    private readonly float* _leftOut;

    /// <summary>A stretch of values and gradients in fp32.</summary>
    /// <param name="values">Element 0 of the shard's values; those of the stretch are updated.</param>
    /// <param name="gradients">Element 0 of their gradients.</param>
    /// <param name="start">The stretch's first element, counted from element 0 of the shard: states that are kept by blocks have theirs there.</param>
    /// <param name="count">Elements in the stretch.</param>
    /// <param name="gradientScale">A factor on the gradients (the clip coefficient, 1 / loss scale), read when the kernel runs, so that an earlier kernel can
    /// compute it without the host looking at it; null means 1.</param>
    public FlatStretch(float* values, float* gradients, long start, long count, float* gradientScale)
        : this(values, (FloatPointer)gradients, start, count, gradientScale)
    {
    }

    private FlatStretch(float* values, FloatPointer gradients, long start, long count, float* gradientScale, float* leftOut = null)
    {
        Values = values;
        Gradients = gradients;
        Start = start;
        Count = count;
        _gradientScale = gradientScale;
        _leftOut = leftOut;
    }

    /// <summary>Element 0 of the shard's values.</summary>
    public float* Values { get; }

    /// <summary>The first element.</summary>
    public long Start { get; }

    /// <summary>How many elements.</summary>
    public long Count { get; }

    /// <summary>The element behind the last.</summary>
    public long End => Start + Count;

    /// <summary>An update's bytes: values and states are read and written, gradients read.</summary>
    internal KernelWork Work(FlatState first, FlatState second) => new(
        0, Count * ((2.0 * sizeof(float)) + Gradients.ElementBytes + (2 * (first.ElementBytes + second.ElementBytes))));

    /// <summary>The factor on the gradients, as a value.</summary>
    public float Scale => _gradientScale == null ? 1 : *_gradientScale;

    /// <summary>Whether nothing is updated, because an earlier kernel found that gradients overflowed; looked at when the kernel runs.</summary>
    public bool IsLeftOut => _leftOut != null && *_leftOut != 0;

    /// <summary>The same stretch with gradients taken as they are; the mark that leaves an update out stays. For what follows an update with other operands than gradients.</summary>
    public FlatStretch Unscaled() => new(Values, Gradients, Start, Count, null, _leftOut);

    /// <summary>Element 0 of the gradients.</summary>
    internal FloatPointer Gradients { get; }

    /// <summary>Lists values, gradients, start, count, and where the factor on the gradients and the mark that leaves the update out lie (0 where there is none).</summary>
    internal void Describe(ref KernelArguments arguments)
    {
        arguments.Add(Values);
        arguments.Add(Gradients);
        arguments.Add(Start);
        arguments.Add(Count);
        arguments.Add(_gradientScale);
        arguments.Add(_leftOut);
    }

    /// <summary>A stretch of flat tensors.</summary>
    /// <param name="values">[n] of F32.</param>
    /// <param name="gradients">[n] of any floating-point type.</param>
    /// <param name="start">The first element.</param>
    /// <param name="count">How many.</param>
    /// <param name="gradientScale">[1] or [2] of F32: a factor on the gradients, and, where there is a second, whether the update is left out (0 is not); null is 1.</param>
    public static FlatStretch Of(Tensor values, Tensor gradients, long start, long count, Tensor? gradientScale)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(gradients);
        var scale = gradientScale is null ? null : gradientScale.Data<float>();
        return new FlatStretch(values.Data<float>(), gradients.Floats(), start, count, scale, scale == null || gradientScale!.Elements < 2 ? null : scale + 1);
    }
}

namespace NetZero.Tensors;

/// <summary>A stretch of a flat shard that an optimizer's kernel updates: values, gradients, and where it lies.</summary>
/// <param name="values">Element 0 of the shard's values; those of the stretch are updated.</param>
/// <param name="gradients">Element 0 of their gradients.</param>
/// <param name="start">The stretch's first element, counted from element 0 of the shard: states that are kept by blocks have theirs there.</param>
/// <param name="count">Elements in the stretch.</param>
/// <param name="gradientScale">A factor on the gradients (the clip coefficient, 1 / accumulation steps), read when the kernel runs, so that an earlier kernel can
/// compute it without the host looking at it; null means 1.</param>
public readonly unsafe struct FlatStretch(float* values, float* gradients, long start, long count, float* gradientScale)
{
    /// <summary>Element 0 of the shard's values.</summary>
    public float* Values => values;

    /// <summary>Element 0 of the gradients.</summary>
    public float* Gradients => gradients;

    /// <summary>The first element.</summary>
    public long Start => start;

    /// <summary>How many elements.</summary>
    public long Count => count;

    /// <summary>The element behind the last.</summary>
    public long End => start + count;

    /// <summary>An update's bytes: values and states are read and written, gradients read.</summary>
    internal KernelWork Work(FlatState first, FlatState second) => new(0, count * ((3.0 * sizeof(float)) + (2 * (first.ElementBytes + second.ElementBytes))));

    /// <summary>The factor on the gradients, as a value.</summary>
    public float Scale => gradientScale == null ? 1 : *gradientScale;
}

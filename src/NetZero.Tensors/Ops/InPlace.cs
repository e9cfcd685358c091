using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Writes into existing tensors. None of them is recorded; they are for gradients, buffers and optimizers.</summary>
public static class InPlaceOps
{
    /// <summary>this = value, for contiguous F32 tensors; 0 for contiguous tensors of any type.</summary>
    public static unsafe void Fill(this Tensor y, float value)
    {
        if (value == 0 && y.DType != DType.F32)
        {
            y.Clear();
            return;
        }

        y.RequireContiguous("Fill");
        y.Storage.Touch();
        y.Context.Launch(new FillKernel(y.Data<float>(), y.Elements, value));
    }

    /// <summary>this = factor this, for floating-point tensors.</summary>
    public static void ScaleInPlace(this Tensor y, float factor)
    {
        Elementwise.CheckType(nameof(ScaleInPlace), y);
        y.Storage.Touch();
        Elementwise.MapInto(new ScaleRule(factor), y, new GradientTarget(y, Accumulate: false));
    }

    /// <summary>All bits of a contiguous tensor of any type become 0, which is zero in every type.</summary>
    public static unsafe void Clear(this Tensor y)
    {
        y.RequireContiguous("Clear");
        y.Storage.Touch();
        y.Context.Launch(new ClearKernel(y.Bytes(), y.Elements * y.DType.SizeInBytes()));
    }

    /// <summary>this = this, at least -<paramref name="limit"/> and at most <paramref name="limit"/>, for floating-point tensors; NaN stays.</summary>
    /// <param name="y">The tensor.</param>
    /// <param name="limit">The largest magnitude.</param>
    /// <param name="keepsInfinities">Whether infinities stay, too, so that an overflow is still seen behind it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 0 or NaN.</exception>
    public static void ClampInPlace(this Tensor y, float limit, bool keepsInfinities = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        if (float.IsNaN(limit))
            throw new ArgumentOutOfRangeException(nameof(limit), limit, $"ClampInPlace of {y}: the limit must be a number.");
        Elementwise.CheckType(nameof(ClampInPlace), y);
        y.Storage.Touch();
        if (keepsInfinities)
            Elementwise.MapInto(new ClampFiniteRule(limit), y, new GradientTarget(y, Accumulate: false));
        else
            Elementwise.MapInto(new ClampRule(limit), y, new GradientTarget(y, Accumulate: false));
    }

    /// <summary>this = x, any strides on both sides, same shape; floating-point elements are converted to this type, rounded to nearest.</summary>
    /// <exception cref="ArgumentException">Shapes differ, or types and one is not floating point.</exception>
    public static void CopyFrom(this Tensor y, Tensor x)
    {
        Check(nameof(CopyFrom), y, x);
        y.Storage.Touch();
        Copy(x, y);
    }

    /// <summary>Like <see cref="CopyFrom"/>, into memory that has come back: its contents are made again and count as unchanged, so that what a backward pass has saved of it holds.</summary>
    /// <exception cref="ArgumentException">Shapes differ, or types and one is not floating point.</exception>
    public static void Restore(this Tensor y, Tensor x)
    {
        Check(nameof(Restore), y, x);
        Copy(x, y);
    }

    /// <summary>
    /// this += x, any strides on both sides, same shape, floating-point types; added in F32 and rounded once to the type of this.
    /// </summary>
    /// <exception cref="ArgumentException">Shapes differ, or a type is not floating point.</exception>
    public static void AddInPlace(this Tensor y, Tensor x)
    {
        Check(nameof(AddInPlace), y, x);
        if (!y.DType.IsFloatingPoint())
            throw new ArgumentException($"AddInPlace into {y}: elements are {y.DType}, expected floating point.", nameof(y));
        y.Storage.Touch();
        Elementwise.MapInto(new ScaleRule(1), x, new GradientTarget(y, Accumulate: true));
    }

    private static void Copy(Tensor x, Tensor y)
    {
        if (x.DType == y.DType)
            y.Context.Launch(new StridedCopyKernel(x, y));
        else
            Elementwise.MapInto(new ScaleRule(1), x, new GradientTarget(y, Accumulate: false));
    }

    private static void Check(string operation, Tensor y, Tensor x)
    {
        SameContext.Check(operation, y, x);
        if (x.Shape != y.Shape || (x.DType != y.DType && !(x.DType.IsFloatingPoint() && y.DType.IsFloatingPoint())))
            throw new ArgumentException($"{operation} into {y} from {x}: shapes must agree, and types, unless both are floating point.", nameof(x));
    }
}

using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Writes into existing tensors. None of them is recorded; they are for gradients, buffers and optimizers.</summary>
public static class InPlaceOps
{
    /// <summary>this = value, for contiguous F32 tensors.</summary>
    public static unsafe void Fill(this Tensor y, float value)
    {
        y.RequireContiguous("Fill");
        y.Storage.Touch();
        y.Context.Launch(new FillKernel(y.Data<float>(), y.Elements, value));
    }

    /// <summary>this = factor this, for F32 tensors.</summary>
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

    /// <summary>this = this, at least -<paramref name="limit"/> and at most <paramref name="limit"/>, for F32 tensors; NaN stays.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 0 or NaN.</exception>
    public static void ClampInPlace(this Tensor y, float limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        if (float.IsNaN(limit))
            throw new ArgumentOutOfRangeException(nameof(limit), limit, $"ClampInPlace of {y}: the limit must be a number.");
        Elementwise.CheckType(nameof(ClampInPlace), y);
        y.Storage.Touch();
        Elementwise.MapInto(new ClampRule(limit), y, new GradientTarget(y, Accumulate: false));
    }

    /// <summary>this = x, any strides on both sides, same shape and type.</summary>
    /// <exception cref="ArgumentException">Shapes or types differ.</exception>
    public static void CopyFrom(this Tensor y, Tensor x)
    {
        Check(nameof(CopyFrom), y, x);
        y.Storage.Touch();
        y.Context.Launch(new StridedCopyKernel(x, y));
    }

    /// <summary>
    /// this += x, any strides on both sides, same shape and floating-point type; 16-bit types are added in F32 and rounded once.
    /// </summary>
    /// <exception cref="ArgumentException">Shapes or types differ, or the type is not floating point.</exception>
    public static void AddInPlace(this Tensor y, Tensor x)
    {
        Check(nameof(AddInPlace), y, x);
        if (!y.DType.IsFloatingPoint())
            throw new ArgumentException($"AddInPlace into {y}: elements are {y.DType}, expected floating point.", nameof(y));
        if (y.DType != DType.F32)
        {
            using var scope = y.Context.BeginScope(nameof(AddInPlace));
            using var noGrad = y.Context.NoGrad();
            y.CopyFrom((y.Cast(DType.F32) + x.Cast(DType.F32)).Cast(y.DType));
            return;
        }

        y.Storage.Touch();
        Elementwise.MapInto(new ScaleRule(1), x, new GradientTarget(y, Accumulate: true));
    }

    private static void Check(string operation, Tensor y, Tensor x)
    {
        SameContext.Check(operation, y, x);
        if (x.Shape != y.Shape || x.DType != y.DType)
            throw new ArgumentException($"{operation} into {y} from {x}: shapes and types must agree.", nameof(x));
    }
}

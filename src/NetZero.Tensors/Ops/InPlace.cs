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

    /// <summary>this = x, any strides on both sides, same shape and type.</summary>
    /// <exception cref="ArgumentException">Shapes or types differ.</exception>
    public static void CopyFrom(this Tensor y, Tensor x)
    {
        Check(nameof(CopyFrom), y, x);
        y.Storage.Touch();
        y.Context.Launch(new StridedCopyKernel(x, y, accumulate: false));
    }

    /// <summary>this += x, any strides on both sides, F32, same shape.</summary>
    /// <exception cref="ArgumentException">Shapes or types differ.</exception>
    public static unsafe void AddInPlace(this Tensor y, Tensor x)
    {
        Check(nameof(AddInPlace), y, x);
        y.Storage.Touch();
        if (x.IsContiguous && y.IsContiguous)
            y.Context.Launch(new UnaryKernel<ScaleRule>(new ScaleRule(1), x.Data<float>(), y.Data<float>(), StridedPlan.Flat(y.Elements), accumulate: true));
        else
            AddStrided(y, x);
    }

    /// <summary>As <see cref="AddInPlace"/> where elements of y may be the same memory (stride 0): one after another, in row-major order.</summary>
    internal static unsafe void AddStrided(Tensor y, Tensor x)
    {
        _ = y.Data<float>();
        y.Context.Launch(new StridedCopyKernel(x, y, accumulate: true));
    }

    private static void Check(string operation, Tensor y, Tensor x)
    {
        if (x.Shape != y.Shape || x.DType != y.DType)
            throw new ArgumentException($"{operation} into {y} from {x}: shapes and types must agree.", nameof(x));
    }
}

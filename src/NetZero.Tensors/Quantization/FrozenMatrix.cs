using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>A matrix without gradient: floating-point elements, or codes that are widened a panel of rows at a time where they are multiplied with.</summary>
/// <param name="Elements">[Rows, Columns] of floating point, any strides; or the codes, contiguous bytes.</param>
/// <param name="Format">What codes mean; null for floating point.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
/// <remarks>See [Note: groups of blocks] in <see cref="BlockQuantization"/>. No more than one panel is ever there in fp32.</remarks>
public readonly unsafe record struct FrozenMatrix(Tensor Elements, BlockFormat? Format, long Rows, long Columns)
{
    // 4 MiB of floats: a panel stays in the caches of a core, and products with it are large enough to run at full speed.
    private const long PanelElements = 1 << 20;

    // Panels that are summed over are whole blocks of the matrix multiply, so that no sum is cut where it would not be.
    private const long PanelRows = 256;

    /// <summary>A matrix of floating-point elements.</summary>
    public static implicit operator FrozenMatrix(Tensor dense) => Of(dense);

    /// <summary>A matrix of floating-point elements.</summary>
    /// <exception cref="ArgumentException">Not of two dimensions.</exception>
    public static FrozenMatrix Of(Tensor dense)
    {
        ArgumentNullException.ThrowIfNull(dense);
        return dense.Dims == 2 ? new FrozenMatrix(dense, null, dense.Shape[0], dense.Shape[1]) : throw new ArgumentException($"{dense} is no matrix.", nameof(dense));
    }

    /// <summary>A matrix in codes.</summary>
    /// <param name="codes">Contiguous bytes as <see cref="BlockQuantization.EncodeGroup"/> makes them.</param>
    /// <param name="format">What they mean.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <exception cref="ArgumentException">Not the bytes of such a matrix.</exception>
    public static FrozenMatrix Of(Tensor codes, BlockFormat format, long rows, long columns)
    {
        ArgumentNullException.ThrowIfNull(codes);
        var bytes = BlockQuantization.Bytes(format, rows * columns);
        return codes.DType == DType.U8 && codes.IsContiguous && codes.Elements == bytes
            ? new FrozenMatrix(codes, format, rows, columns)
            : throw new ArgumentException($"{codes} are no codes of a matrix [{rows}, {columns}] in {format}: expected {bytes} contiguous bytes.", nameof(codes));
    }

    /// <summary>The type of a product with a tensor of a type.</summary>
    internal DType ResultType(Tensor x) => Format is null ? Elementwise.CommonType(x, Elements) : x.DType;

    /// <summary>y = x · W (+ bias) with this as W [in, out], or as W^T where it is turned. x [rows, in], y [rows, out], contiguous.</summary>
    internal void Multiply(Tensor x, Tensor y, bool turned, FloatPointer bias) => Product(x, y, turned, bias, accumulate: false);

    /// <summary>dx (+)= dy · W^T. dy [rows, out], dx [rows, in], contiguous.</summary>
    internal void MultiplyTurned(Tensor dy, GradientTarget dx, bool turned) => Product(dy, dx.Tensor, !turned, default, dx.Accumulate);

    /// <summary>Widens rows to floats.</summary>
    internal void Widen(long first, long rows, float* panel) =>
        Elements.Context.Launch(new DequantizeKernel((byte*)Elements.Bytes(), Format!.Value, Rows * Columns, first * Columns, panel, rows * Columns));

    private void Product(Tensor x, Tensor y, bool turned, FloatPointer bias, bool accumulate)
    {
        var (context, inner, outer) = (x.Context, turned ? Columns : Rows, turned ? Rows : Columns);
        var rows = outer == 0 ? 0 : y.Elements / outer;
        if (Format is null)
        {
            GemmLaunch.Single(context, rows, outer, inner, LinearOp.Matrix(x, inner), LinearOp.Weight(Elements, turned), LinearOp.Matrix(y, outer), accumulate, bias);
            return;
        }

        var step = Math.Clamp(PanelElements / Math.Max(1, Columns), 1, Math.Max(1, Rows));
        if (step > PanelRows)
            step = step / PanelRows * PanelRows;
        if (turned)
            ByColumns(x, y, rows, step, bias, accumulate);
        else
            BySums(x, y, rows, step, bias, accumulate);
    }

    // A panel gives columns of the result.
    private void ByColumns(Tensor x, Tensor y, long rows, long step, FloatPointer bias, bool accumulate)
    {
        var context = x.Context;
        using var panel = context.RentWorkspace(Math.Min(step, Rows) * Columns * sizeof(float));
        for (long first = 0; first < Rows; first += step)
        {
            var count = Math.Min(step, Rows - first);
            Widen(first, count, panel.Floats);
            GemmLaunch.Single(
                context, rows, count, Columns, LinearOp.Matrix(x, Columns), new GemmMatrix(panel.Floats, 1, Columns), new GemmMatrix(y.Floats().At(first), Rows, 1), accumulate, bias.At(first));
        }
    }

    // Panels give parts of every sum. 16-bit results are rounded once, when all parts are there.
    private void BySums(Tensor x, Tensor y, long rows, long step, FloatPointer bias, bool accumulate)
    {
        var context = x.Context;
        var sum = y.DType == DType.F32 || step >= Rows ? y : context.Empty([rows, Columns], DType.F32, name: "sum of panels");
        var adds = accumulate && sum == y;
        using (var panel = context.RentWorkspace(Math.Min(step, Rows) * Columns * sizeof(float)))
            for (long first = 0; first < Rows; first += step)
            {
                var count = Math.Min(step, Rows - first);
                Widen(first, count, panel.Floats);
                GemmLaunch.Single(
                    context, rows, Columns, count, new GemmMatrix(x.Floats().At(first), Rows, 1), new GemmMatrix(panel.Floats, Columns, 1), LinearOp.Matrix(sum, Columns), adds || first > 0,
                    first + count == Rows ? bias : default);
            }

        if (sum == y)
            return;
        var target = y.Reshape(rows, Columns);
        if (accumulate)
            target.AddInPlace(sum);
        else
            target.CopyFrom(sum);
        sum.Free();
    }
}

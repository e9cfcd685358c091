using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Brings the singular values of a matrix near 1 by an odd polynomial: X = a X + (b A + c A A) X with A = X Xᵀ, on the side that has fewer rows.</summary>
/// <remarks>Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", whose coefficients bring all singular values within about 0.7 to 1.2 in five steps. Here in fp32.</remarks>
internal static class NewtonSchulz
{
    private const float A = 3.4445f;
    private const float B = -4.7750f;
    private const float C = 2.0315f;

    // Divides nothing by zero.
    private const double Epsilon = 1e-7;

    /// <summary>Replaces a matrix by what the steps make of it.</summary>
    /// <param name="matrix">[rows, columns] of F32.</param>
    /// <param name="steps">How many.</param>
    public static void Orthogonalize(Tensor matrix, int steps)
    {
        var context = matrix.Context;
        using var noGrad = context.NoGrad();
        using var scope = context.BeginScope("Newton-Schulz");
        var isTall = matrix.Shape[0] > matrix.Shape[1];
        var x = ((isTall ? matrix.Transpose() : matrix) * InverseNorm(matrix)).Keep();
        for (var step = 0; step < steps; step++)
        {
            using var turn = context.BeginScope("Newton-Schulz step");
            var a = x.MatMul(x.Transpose());
            var next = ((x * A) + ((a * B) + (a.MatMul(a) * C)).MatMul(x)).Keep();
            x.Free();
            x = next;
        }

        matrix.CopyFrom(isTall ? x.Transpose() : x);
        x.Free();
    }

    // 1 / (‖matrix‖ + epsilon), [1], which the host does not read.
    private static unsafe Tensor InverseNorm(Tensor matrix)
    {
        var context = matrix.Context;
        var square = new DeviceNumbers(context, 1, "Newton-Schulz norm");
        matrix.AddSumOfSquares(square);
        var inverse = context.Empty([1], DType.F32, MemoryKind.Workspace, "Newton-Schulz factor");
        context.Launch(new InverseNormKernel(square.Pointer, Epsilon, inverse.Data<float>()));
        square.Free();
        return inverse;
    }

    /// <summary>Multiplications and additions of all steps on a matrix: what work is shared out by.</summary>
    public static double Flops(Shape matrix)
    {
        double rows = Math.Min(matrix[0], matrix[1]), columns = Math.Max(matrix[0], matrix[1]);
        return rows * rows * ((2 * columns) + rows);
    }
}

using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>The sum of squares as a number on the host, in double precision: for gradient norms. Not recorded.</summary>
public static class SumOfSquaresOp
{
    /// <summary>The sum over all elements of x^2; its bits depend on the values and their number alone.</summary>
    /// <returns>The sum; NaN on Meta, where there are no values, so that a program that only passes it on can be planned there.</returns>
    public static unsafe double SumOfSquares(this Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        x.RequireContiguous("SumOfSquares");
        using var scratch = x.Context.RentWorkspace(SumOfSquaresKernel.WorkspaceBytes(x.Elements));
        var result = double.NaN;
        x.Context.Launch(new SumOfSquaresKernel(x.Data<float>(), x.Elements, &result, (double*)scratch.Pointer));
        return result;
    }
}

using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Sums and maxima of a whole tensor as numbers on the host, in double precision: for gradient norms. Not recorded.</summary>
/// <remarks>Their bits depend on the values and their number alone. On Meta, where there are no values, they are NaN, so that a program that only passes them on can be planned.</remarks>
public static class HostReductionOps
{
    /// <summary>The sum over all elements of x^2.</summary>
    public static double SumOfSquares(this Tensor x) => Reduce<SumOfSquaresRule>("SumOfSquares", x);

    /// <summary>The sum over all elements of |x|.</summary>
    public static double SumOfMagnitudes(this Tensor x) => Reduce<SumOfMagnitudesRule>("SumOfMagnitudes", x);

    /// <summary>The largest |x| of all elements; NaN when any is, 0 when there are none.</summary>
    public static double LargestMagnitude(this Tensor x) => Reduce<LargestMagnitudeRule>("LargestMagnitude", x);

    private static unsafe double Reduce<TRule>(string name, Tensor x)
        where TRule : struct, IHostReductionRule
    {
        ArgumentNullException.ThrowIfNull(x);
        x.RequireContiguous(name);
        using var scratch = x.Context.RentWorkspace(HostReductionKernel<TRule>.WorkspaceBytes(x.Elements));
        x.Context.Launch(new HostReductionKernel<TRule>(x.Floats(), x.Elements, (double*)scratch.Pointer));
        var result = double.NaN;
        if (x.Context.Device.HasMemory)
            x.Context.CopyToHost((double*)scratch.Pointer, new Span<double>(ref result));
        return result;
    }
}

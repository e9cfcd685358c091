using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Sums and maxima of a whole tensor as numbers in double precision: for gradient norms. Not recorded.</summary>
/// <remarks>Their bits depend on the values and their number alone. Those without a target are read by the host; on Meta, where there are no values, they are NaN.</remarks>
public static class HostReductionOps
{
    /// <summary>The sum over all elements of x^2.</summary>
    public static double SumOfSquares(this Tensor x) => Read<SumOfSquaresRule>("SumOfSquares", x);

    /// <summary>The sum over all elements of |x|.</summary>
    public static double SumOfMagnitudes(this Tensor x) => Read<SumOfMagnitudesRule>("SumOfMagnitudes", x);

    /// <summary>The largest |x| of all elements; NaN when any is, 0 when there are none.</summary>
    public static double LargestMagnitude(this Tensor x) => Read<LargestMagnitudeRule>("LargestMagnitude", x);

    /// <summary>sum += the sum over all elements of x^2, on the device.</summary>
    public static void AddSumOfSquares(this Tensor x, DeviceNumbers sum) => Reduce<SumOfSquaresRule>(nameof(AddSumOfSquares), x, sum);

    /// <summary>sum += the sum over all elements of |x|, on the device.</summary>
    public static void AddSumOfMagnitudes(this Tensor x, DeviceNumbers sum) => Reduce<SumOfMagnitudesRule>(nameof(AddSumOfMagnitudes), x, sum);

    /// <summary>largest = max(largest, |x| of all elements), on the device; NaN when any is.</summary>
    public static void TakeLargestMagnitude(this Tensor x, DeviceNumbers largest) => Reduce<LargestMagnitudeRule>(nameof(TakeLargestMagnitude), x, largest);

    private static double Read<TRule>(string name, Tensor x)
        where TRule : struct, IHostReductionRule
    {
        ArgumentNullException.ThrowIfNull(x);
        var result = new DeviceNumbers(x.Context, 1, name);
        try
        {
            Reduce<TRule>(name, x, result);
            return result.Item();
        }
        finally
        {
            result.Free();
        }
    }

    private static unsafe void Reduce<TRule>(string name, Tensor x, DeviceNumbers result)
        where TRule : struct, IHostReductionRule
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(result);
        x.RequireContiguous(name);
        using var scratch = x.Context.RentWorkspace(HostReductionKernel<TRule>.WorkspaceBytes(x.Elements));
        x.Context.Launch(new HostReductionKernel<TRule>(x.Floats(), x.Elements, (double*)scratch.Pointer, result.Pointer));
    }
}

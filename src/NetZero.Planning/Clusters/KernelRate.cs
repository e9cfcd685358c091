using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>What calls of one kernel were measured to take: a line over what they compute and move.</summary>
/// <param name="Seconds">Of a call without work.</param>
/// <param name="SecondsPerFlop">Of a floating-point operation.</param>
/// <param name="SecondsPerByte">Of a byte.</param>
public readonly record struct KernelRate(double Seconds, double SecondsPerFlop, double SecondsPerByte)
{
    /// <summary>Seconds of a call.</summary>
    public double Of(KernelWork work) => Seconds + (work.Flops * SecondsPerFlop) + (work.Bytes * SecondsPerByte);
}

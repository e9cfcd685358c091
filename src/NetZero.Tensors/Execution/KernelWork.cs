namespace NetZero.Tensors;

/// <summary>What a kernel call computes and moves: the coordinates of the roofline model (S. Williams, A. Waterman, D. Patterson 2009).</summary>
/// <param name="Flops">Floating-point operations of its products; 0 where what it moves is what it costs.</param>
/// <param name="Bytes">Bytes of its operands and results, each read or written once.</param>
public readonly record struct KernelWork(double Flops, double Bytes)
{
    /// <summary>A pass over elements that have as many bytes each, over all operands and results.</summary>
    public static KernelWork Moving(long elements, int bytesOfEach) => new(0, (double)elements * bytesOfEach);

    /// <summary>A pass over fp32 elements, each operand's and each result's counted.</summary>
    public static KernelWork Pass(long elements) => new(0, (double)elements * sizeof(float));
}

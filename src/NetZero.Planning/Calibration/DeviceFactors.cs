namespace NetZero.Planning;

/// <summary>What training reaches on a device relative to its description: clocks under load, power limits, and how far kernels were tuned for it.</summary>
/// <param name="Matmul">Matrix FLOP/s within training over those that a product reaches alone.</param>
/// <param name="Attention">FLOP/s of fused attention relative to those matrix FLOP/s, beside the profile's own figure; kernels of 2023 reach less of an H100 than of an A100.</param>
public sealed record DeviceFactors(double Matmul, double Attention);

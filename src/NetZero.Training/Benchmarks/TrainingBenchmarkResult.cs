namespace NetZero.Training;

/// <summary>What a <see cref="TrainingBenchmark"/> measured.</summary>
/// <param name="TokensPerSecond">The median over the counted steps, all ranks together.</param>
/// <param name="Gflops">Billions of model FLOPs a second, from the median.</param>
/// <param name="FmaPeakGflops">The machine's fp32 peak on as many threads, the median of what was measured just before and just after.</param>
/// <param name="PeakBytes">The most tensor memory of any rank.</param>
/// <param name="FirstStepSeconds">From the start of the process to the end of the first step.</param>
/// <param name="SteadySystemAllocations">How often the counted steps asked the system for native memory, all ranks together.</param>
/// <param name="ManagedBytesPerStep">Managed memory allocated per rank and counted step.</param>
/// <param name="Gen2Collections">Collections of the oldest generation during the counted steps.</param>
public sealed record TrainingBenchmarkResult(
    double TokensPerSecond, double Gflops, double FmaPeakGflops, long PeakBytes, double FirstStepSeconds,
    long SteadySystemAllocations, double ManagedBytesPerStep, int Gen2Collections)
{
    /// <summary>The share of the machine's peak.</summary>
    public double FmaPeakShare => Gflops / FmaPeakGflops;
}

namespace NetZero.Planning;

/// <summary>How much of a device's speed remains when model state or activations come from slower memory.</summary>
/// <remarks>
/// S. Rajbhandari et al., "ZeRO-Infinity: Breaking the GPU Memory Wall for Extreme Scale Deep Learning", 2021, section 4. The arithmetic
/// intensity (ait) is the FLOP done per byte moved. The optimizer's step overlaps neither the forward nor the backward pass.
/// </remarks>
public static class OffloadEfficiency
{
    /// <summary>ait x bandwidth / (ait x bandwidth + peak): the share of compute in compute plus transfers that do not overlap.</summary>
    /// <param name="flopPerByte">The arithmetic intensity.</param>
    /// <param name="bytesPerSecond">The bandwidth of the slower memory.</param>
    /// <param name="peakFlopPerSecond">The device's achievable FLOP per second.</param>
    /// <returns>A share between 0 and 1.</returns>
    public static double Of(double flopPerByte, double bytesPerSecond, double peakFlopPerSecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(flopPerByte);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(peakFlopPerSecond);
        return flopPerByte * bytesPerSecond / (flopPerByte * bytesPerSecond + peakFlopPerSecond);
    }

    /// <summary>FLOP per byte of parameters and gradients: s x b.</summary>
    /// <param name="sequence">s, tokens per sample.</param>
    /// <param name="batch">b, samples per rank and step.</param>
    public static double ParameterIntensity(long sequence, long batch) => (double)sequence * batch;

    /// <summary>FLOP per byte of optimizer state: s x b / 4.</summary>
    /// <param name="sequence">s, tokens per sample.</param>
    /// <param name="batch">b, samples per rank and step.</param>
    public static double OptimizerIntensity(long sequence, long batch) => (double)sequence * batch / 4;

    /// <summary>FLOP per byte of activation checkpoints: 24 x h x ci.</summary>
    /// <param name="hidden">h, the hidden size.</param>
    /// <param name="blocksPerCheckpoint">ci, blocks between two checkpoints.</param>
    public static double ActivationCheckpointIntensity(long hidden, long blocksPerCheckpoint) => 24.0 * hidden * blocksPerCheckpoint;

    /// <summary>FLOP of one step with recomputation: 2 x 4 x b x s x Psi (forward, recomputed forward, and twice that in backward).</summary>
    /// <param name="parameters">Psi.</param>
    /// <param name="sequence">s, tokens per sample.</param>
    /// <param name="batch">b, samples per rank and step.</param>
    public static double StepFlopWithRecomputation(long parameters, long sequence, long batch) => 2.0 * 4 * batch * sequence * parameters;
}

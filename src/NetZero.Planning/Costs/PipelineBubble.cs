namespace NetZero.Planning;

/// <summary>How long a pipeline takes for its micro-batches.</summary>
/// <remarks>
/// D. Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM", 2021, section 2.2: with p stages, m micro-batches and v chunks
/// a stage, the first and last stages idle for (p - 1)/v micro-batches under 1F1B.
/// </remarks>
internal static class PipelineBubble
{
    /// <summary>Micro-batch times that one step takes: m + (p - 1) / v.</summary>
    public static double Slots(int microBatches, int stages, int chunks) => microBatches + (stages - 1.0) / chunks;
}

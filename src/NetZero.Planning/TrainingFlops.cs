namespace NetZero.Planning;

/// <summary>Floating-point operations that training a decoder needs; recomputation is not counted.</summary>
public static class TrainingFlops
{
    /// <summary>
    /// 6 N + 12 L C T per token: 2 N forward and 4 N backward for the weights, and 4 C T forward, 8 C T backward for the scores and the
    /// weighted sum of each block's attention, counted in full although the causal half is never needed (A. Chowdhery et al., "PaLM",
    /// 2022, appendix B).
    /// </summary>
    /// <param name="parameters">N, without position embeddings (they are added, not multiplied); tied weights counted once.</param>
    /// <param name="layers">L, the number of blocks.</param>
    /// <param name="hidden">C, the hidden size.</param>
    /// <param name="sequence">T, tokens per sample.</param>
    public static double PerToken(long parameters, int layers, int hidden, int sequence) =>
        6.0 * parameters + 12.0 * layers * hidden * sequence;
}

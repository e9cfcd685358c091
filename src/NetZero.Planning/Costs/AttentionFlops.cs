namespace NetZero.Planning;

/// <summary>FLOP of attention itself, without its projections, as fused kernels do them (T. Dao et al., "FlashAttention", 2022; "FlashAttention-2", 2023, section 4.1).</summary>
internal static class AttentionFlops
{
    // Scores and weighted sum are 2 products of 2 T^2 d a head; the masked half is skipped.
    private const double CausalHalf = 0.5;

    // Backward recomputes the scores and has four more products: 5 products for forward's 2.
    public const double BackwardPerForward = 2.5;

    /// <summary>FLOP forward of <paramref name="tokens"/> tokens that each attend to the half of their sequence before them.</summary>
    /// <param name="tokens">Tokens of this rank.</param>
    /// <param name="sequence">T, tokens of a whole sample.</param>
    /// <param name="queryWidth">Heads times head size on this rank.</param>
    public static double Forward(double tokens, double sequence, double queryWidth) => 4 * tokens * sequence * queryWidth * CausalHalf;
}

namespace NetZero.Training;

/// <summary>Facts about a text that need no model.</summary>
public static class TokenStatistics
{
    private const int PieceTokens = 16384;

    /// <summary>
    /// The entropy of single tokens, in nats per token: H = -sum over tokens v of p(v) ln p(v), with p their share of the text. It is the loss of
    /// the best model that ignores context.
    /// </summary>
    /// <param name="tokens">The text; read once from start to end.</param>
    /// <param name="vocabularySize">How many different tokens there may be.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="OperationCanceledException">The reading was ended.</exception>
    public static double UnigramEntropy(ITokens tokens, int vocabularySize, CancellationToken cancellation = default)
    {
        var counts = new long[vocabularySize];
        var piece = new int[PieceTokens];
        for (long start = 0; start < tokens.Count; start += PieceTokens)
        {
            cancellation.ThrowIfCancellationRequested();
            var read = piece.AsSpan(0, (int)Math.Min(PieceTokens, tokens.Count - start));
            tokens.Read(start, read);
            foreach (var token in read)
                counts[token]++;
        }
        var entropy = 0.0;
        foreach (var count in counts)
        {
            if (count > 0)
                entropy -= (double)count / tokens.Count * Math.Log((double)count / tokens.Count);
        }
        return entropy;
    }
}

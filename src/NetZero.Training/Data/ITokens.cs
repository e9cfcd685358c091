namespace NetZero.Training;

/// <summary>A text as a sequence of token ids. Safe to read from several threads.</summary>
public interface ITokens
{
    /// <summary>How many tokens there are.</summary>
    long Count { get; }

    /// <summary>Copies tokens <paramref name="start"/> .. <paramref name="start"/> + length - 1 to <paramref name="destination"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the text.</exception>
    void Read(long start, Span<int> destination);
}

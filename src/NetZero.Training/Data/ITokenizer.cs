namespace NetZero.Training;

/// <summary>Turns text into tokens and back. It is saved with a model, because the model means nothing without it.</summary>
public interface ITokenizer
{
    /// <summary>How many different tokens there are; ids are 0 .. this - 1.</summary>
    int VocabularySize { get; }

    /// <summary>The tokens of a prompt.</summary>
    int[] Encode(string text);

    /// <summary>The text of tokens; what is no valid text stands as U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    string Decode(ReadOnlySpan<int> tokens);

    /// <summary>The tokens of files, read where they are.</summary>
    ITokens Tokenize(MappedText text);

    /// <summary>Writes what <see cref="Tokenizers.Load"/> needs into a model's folder.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    void Save(string folder);
}

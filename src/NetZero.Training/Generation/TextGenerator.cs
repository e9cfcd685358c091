namespace NetZero.Training;

/// <summary>Computes the logits of the token that follows.</summary>
/// <param name="context">The tokens before it, at least one and no more than the model has positions.</param>
/// <param name="logits">Receives one logit for each token of the vocabulary.</param>
public delegate void NextLogits(ReadOnlySpan<int> context, Span<float> logits);

/// <summary>Lets a model write: token after token, each drawn from what the model expects after those before it.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="vocabularySize">The model's vocabulary, at least the tokenizer's.</param>
/// <param name="positions">The longest context; longer text is read from its end.</param>
/// <param name="next">The model.</param>
public sealed class TextGenerator(ITokenizer tokenizer, int vocabularySize, int positions, NextLogits next)
{
    // What an empty prompt stands for: the start of a line, after which any text may come.
    private const string EmptyPrompt = "\n";

    /// <summary>Continues a prompt.</summary>
    /// <param name="prompt">The text to continue; may be empty.</param>
    /// <param name="count">How many tokens to write.</param>
    /// <param name="sampling">How tokens are chosen.</param>
    /// <param name="cancellation">Ends the writing.</param>
    /// <returns>What was written, without the prompt.</returns>
    /// <exception cref="ConfigurationException">An option is out of its range.</exception>
    /// <exception cref="OperationCanceledException">The writing was ended.</exception>
    public string Continue(string prompt, int count, SamplingOptions sampling, CancellationToken cancellation = default)
    {
        if (count < 1)
            throw new ConfigurationException($"tokens is {count}; expected a whole number, at least 1");
        // Rows of the embedding beyond the tokenizer's tokens are padding: they are no text and are never drawn.
        var sampler = new TokenSampler(sampling, tokenizer.VocabularySize);
        var logits = new float[vocabularySize];
        var text = new List<int>(tokenizer.Encode(prompt.Length == 0 ? EmptyPrompt : prompt));
        var start = text.Count;
        for (var i = 0; i < count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var context = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(text);
            next(context[Math.Max(0, context.Length - positions)..], logits);
            text.Add(sampler.Next(logits.AsSpan(0, tokenizer.VocabularySize), i));
        }
        return tokenizer.Decode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(text)[start..]);
    }
}

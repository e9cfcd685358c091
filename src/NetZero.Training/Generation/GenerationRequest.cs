namespace NetZero.Training;

/// <summary>Text to be written by a saved model.</summary>
/// <param name="ModelFolder">A folder in Hugging Face's layout.</param>
/// <param name="Prompt">The text to continue.</param>
/// <param name="Tokens">How many tokens to write.</param>
/// <param name="Sampling">How they are chosen.</param>
public sealed record GenerationRequest(string ModelFolder, string Prompt, int Tokens, SamplingOptions Sampling);

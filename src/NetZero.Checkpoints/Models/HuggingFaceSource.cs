using NetZero.Nn;

namespace NetZero.Checkpoints;

/// <summary>Parameter values from a Hugging Face folder; each rank reads the ranges of its shard only.</summary>
/// <param name="folder">The open folder, already matched against the model; the caller disposes it.</param>
public sealed class HuggingFaceSource(HuggingFaceFolder folder) : IParameterSource
{
    /// <inheritdoc/>
    public void Read(string name, Parameter parameter, long first, Span<float> destination) => folder.Read(name, first, destination);
}

using System.Numerics;
using NetZero.Checkpoints;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Writes text with a saved model, on one device.</summary>
/// <remarks>Made, used and disposed on one thread.</remarks>
public sealed class TextGenerator : IDisposable
{
    // A line break is in every text, and leaves the model free to begin as it likes.
    private const string SamplePrompt = "\n";
    private const int SampleTokens = 160;

    // Below it a step is so short that padding costs nothing to speak of.
    private const int ShortestLength = 32;

    private readonly TensorContext _tensors;
    private readonly Gpt2 _model;
    private readonly ITokenizer _tokenizer;

    private TextGenerator(TensorContext tensors, Gpt2 model, ITokenizer tokenizer)
    {
        _tensors = tensors;
        _model = model;
        _tokenizer = tokenizer;
    }

    /// <summary>How often the system was asked for tensor memory.</summary>
    internal long SystemAllocations => _tensors.SystemAllocations;

    /// <summary>Loads a model that a run has saved, or any Hugging Face GPT-2 folder with byte-level vocabulary.</summary>
    /// <param name="folder">The folder with <c>config.json</c> and <c>model.safetensors</c>.</param>
    /// <param name="threads">Threads to compute with.</param>
    /// <param name="adapter">The folder of an adapter in PEFT's layout that was trained on the model; null takes the model alone.</param>
    /// <exception cref="CheckpointFormatException">A folder is damaged or not such a model, or the adapter is of another one.</exception>
    public static TextGenerator Load(string folder, int threads = 1, string? adapter = null)
    {
        using var files = HuggingFaceFolder.Open(folder);
        var config = files.Config.ToModelConfig();
        var tokenizer = Tokenizers.Load(folder, config.VocabularySize);
        var model = new Gpt2(config);
        files.Match(Gpt2Files.Specs(model));
        using var adapters = adapter is null ? null : AdapterFolder.Open(adapter);
        adapters?.Attach(model);
        IParameterSource values = new HuggingFaceSource(files);
        if (adapters is not null)
            values = new AdaptedValues(values, adapters);
        var tensors = new TensorContext(new TensorContextOptions { Threads = threads });
        try
        {
            model.Materialize(tensors, values, requireGrad: false);
            tensors.Training = false;
            return new TextGenerator(tensors, model, tokenizer);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>A short text by the model, or the base and the adapter, that a run has just saved, for its summary.</summary>
    internal static string Sample(RunFolder folder, RunConfiguration run, CancellationToken cancellation)
    {
        using var generator = run.Lora.IsOn
            ? Load(run.InitFrom ?? folder.ModelPath, run.ThreadsPerRank, folder.AdapterPath)
            : Load(folder.ModelPath, run.ThreadsPerRank);
        return SamplePrompt + generator.Generate(SamplePrompt, SampleTokens, new SamplingOptions(Temperature: 0.8, TopK: 40, Seed: run.Seed), cancellation: cancellation);
    }

    /// <summary>Continues <paramref name="prompt"/>.</summary>
    /// <param name="prompt">What the text begins with; not empty.</param>
    /// <param name="count">How many tokens to add.</param>
    /// <param name="sampling">How they are drawn.</param>
    /// <param name="onText">Receives the new text, prompt not included, as it is made; null for nobody.</param>
    /// <param name="cancellation">Looked at between tokens.</param>
    /// <returns>The new text, prompt not included.</returns>
    /// <exception cref="ArgumentException">An empty prompt.</exception>
    /// <exception cref="DivergedModelException">The model computes no finite logits.</exception>
    public string Generate(string prompt, int count, SamplingOptions sampling, Action<string>? onText = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(prompt);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(sampling);
        // Rows of the embedding beyond the tokenizer's tokens are padding: they are no text and are never drawn.
        var sampler = new TokenSampler(sampling, _tokenizer.VocabularySize);
        var tokens = new List<int>(_tokenizer.Encode(prompt));
        var from = tokens.Count;
        var logits = new float[_model.Config.VocabularySize];
        var shown = 0;
        for (var i = 0; i < count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            Logits(tokens, logits);
            tokens.Add(sampler.Next(logits.AsSpan(0, _tokenizer.VocabularySize), i));
            if (onText is null)
                continue;
            var text = Complete(_tokenizer.Decode([.. tokens.Skip(from)]), last: i == count - 1);
            onText(text[shown..]);
            shown = text.Length;
        }

        return _tokenizer.Decode([.. tokens.Skip(from)]);
    }

    /// <summary>The logits of the token that follows a text. [V]</summary>
    internal float[] NextLogits(string text)
    {
        var logits = new float[_model.Config.VocabularySize];
        Logits([.. _tokenizer.Encode(text)], logits);
        return logits;
    }

    /// <summary>Frees the model.</summary>
    public void Dispose() => _tensors.Dispose();

    // Note: why text is padded
    // Tensor memory is kept by size for the next step. Each length has its own sizes, so a text that grows by a token would never use any of it
    // again. Lengths that double are few, and the memory kept for all of them is less than twice that of the longest. Attention is causal:
    // what stands behind the last token changes nothing before it.
    private static int PaddedLength(int length, int most) =>
        (int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)Math.Max(length, ShortestLength)), (uint)most);

    // A character may still lack bytes: it is shown when it is complete.
    private static string Complete(string text, bool last) => last ? text : text.TrimEnd('\uFFFD');

    private void Logits(List<int> tokens, float[] logits)
    {
        using var noGrad = _tensors.NoGrad();
        using var scope = _tensors.BeginScope("generate");
        var length = Math.Min(tokens.Count, _model.Config.PositionCount);
        var padded = new int[PaddedLength(length, _model.Config.PositionCount)];
        tokens.CopyTo(tokens.Count - length, padded, 0, length);
        _model.NextTokenLogits(_tensors.From<int>(padded, [1, padded.Length]), length - 1).CopyTo<float>(logits);
    }
}

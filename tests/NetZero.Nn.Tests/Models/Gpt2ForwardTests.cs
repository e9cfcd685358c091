using NetZero.Tensors;

namespace NetZero.Nn.Tests.Models;

/// <summary>What the forward pass computes, as properties that hold whatever the weights are.</summary>
public class Gpt2ForwardTests
{
    private static readonly Gpt2Config Config = new() { LayerCount = 2, HeadCount = 2, EmbeddingSize = 12, PositionCount = 7, VocabularySize = 11 };

    private static Gpt2 Model(TensorContext tensors, IParameterSource? source = null)
    {
        var model = new Gpt2(Config);
        model.Materialize(tensors, source);
        return model;
    }

    [Fact]
    public void Loss_IsTheMeanOverPositions_AndSeesOnlyWhatCameBefore()
    {
        using var tensors = new TensorContext(new TensorContextOptions { Seed = 5 });
        var model = Model(tensors, new Wide());
        int[] tokens = [3, 0, 10, 7, 7, 1], targets = [0, 10, 7, 7, 1, 2];

        // Each prefix alone must give the same prediction: later tokens have no say (causality), and positions count from the start.
        var expected = Enumerable.Range(1, tokens.Length).Average(length =>
        {
            var logits = model.NextTokenLogits(tensors.From<int>(tokens.AsSpan(0, length), [1, length])).ToArray<float>();
            var largest = (double)logits.Max();
            return largest + Math.Log(logits.Sum(logit => Math.Exp(logit - largest))) - logits[targets[length - 1]];
        });
        var loss = model.Loss(tensors.From<int>(tokens, [1, 6]), tensors.From<int>(targets, [1, 6])).Item();

        // Two forward passes of the same sums in other blocks. Some 10 chained kernels with sums of at most 48 terms: 10 x 48 roundings of 2^-24
        // relative to logits and residuals below 8.
        Assert.InRange(loss - expected, -10 * 48 * 8 * Math.Pow(2, -24), 10 * 48 * 8 * Math.Pow(2, -24));
        Assert.True(Math.Abs(loss - Math.Log(Config.VocabularySize)) > 0.1, "the model must know something for the test to mean something");
    }

    [Fact]
    public void Head_IsTheTokenEmbedding()
    {
        const int silent = 4;
        using var tensors = new TensorContext();
        var model = Model(tensors, new Wide { SilentRow = silent });
        var logits = model.NextTokenLogits(tensors.From<int>([1, 2, 3], [1, 3])).ToArray<float>();

        // logit v = hidden . wte[v]: a row of zeros gives exactly zero, any other row does not.
        Assert.All(logits.Index(), logit => Assert.Equal(logit.Index == silent, logit.Item == 0));
    }

    [Fact]
    public void Head_AndEmbedding_BothContributeToTheTiedGradient()
    {
        using var tensors = new TensorContext();
        var model = Model(tensors, new Wide());
        model.Loss(tensors.From<int>([1, 2], [1, 2]), tensors.From<int>([2, 3], [1, 2])).Backward();
        var gradient = model.NamedParameters().Single(p => p.Name == "wte.weight").Parameter.Value.Grad!.ToArray<float>();

        // Tokens 4 to 10 are never looked up, so their rows' gradients come from the head alone: softmax gives every row some.
        for (var token = 0; token < Config.VocabularySize; token++)
            Assert.Contains(gradient.Skip(token * Config.EmbeddingSize).Take(Config.EmbeddingSize), g => g != 0);

        // d loss / d logits sums to zero over the vocabulary at each position, so the head's part sums to zero over rows, column by column; what is left
        // of the sum is the embedding's part.
        var sums = Enumerable.Range(0, Config.EmbeddingSize)
            .Select(c => Enumerable.Range(0, Config.VocabularySize).Sum(v => (double)gradient[(v * Config.EmbeddingSize) + c]));
        Assert.Contains(sums, sum => Math.Abs(sum) > 1e-3);
    }

    [Fact]
    public void SequenceLongerThanThePositions_IsRefused_AndLeavesNothingBehind()
    {
        using var tensors = new TensorContext();
        var model = Model(tensors);
        var tokens = tensors.From<int>(new int[8], [1, 8]);
        var before = tensors.Ledger.LiveBytes;

        const string message = "A sequence of 8 tokens is longer than n_positions 7.";
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => model.Loss(tokens, tokens)).Message, StringComparison.Ordinal);
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => model.NextTokenLogits(tokens)).Message, StringComparison.Ordinal);
        Assert.Equal(before, tensors.Ledger.LiveBytes);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void PositionOutsideTheText_IsRefused(int position)
    {
        using var tensors = new TensorContext();
        var model = Model(tensors);

        Assert.Throws<ArgumentOutOfRangeException>(() => model.NextTokenLogits(tensors.From<int>([1, 2, 3], [1, 3]), position));
    }

    [Fact]
    public void Dropout_ActsInTrainingOnly_AndIsKeyedByTheStep()
    {
        using var tensors = new TensorContext(new TensorContextOptions { Seed = 2 });
        var model = new Gpt2(Config with { Dropout = 0.5f });
        model.Materialize(tensors);
        float Loss(long step, bool training)
        {
            tensors.Training = training;
            tensors.Random.BeginForward(step, firstSample: 0);
            return model.Loss(tensors.From<int>([1, 2, 3], [1, 3]), tensors.From<int>([2, 3, 4], [1, 3])).Item();
        }

        Assert.Equal(Loss(0, training: true), Loss(0, training: true));
        Assert.NotEqual(Loss(0, training: true), Loss(1, training: true));
        Assert.Equal(Loss(0, training: false), Loss(1, training: false));
    }

    /// <summary>Values large enough that attention and the nonlinearities matter; optionally one token's embedding is zero.</summary>
    private sealed class Wide : IParameterSource
    {
        public int SilentRow { get; init; } = -1;

        public void Read(string name, Parameter parameter, long first, Span<float> destination)
        {
            if (parameter.Shape.Dims < 2)
            {
                parameter.Initializer.Fill(1, name, first, destination);
                return;
            }

            Initializer.Uniform(0.5f).Fill(1, name, first, destination);
            if (name == "wte.weight" && SilentRow >= 0)
                destination.Slice((int)(SilentRow * parameter.Shape[1] - first), (int)parameter.Shape[1]).Clear();
        }
    }
}

using System.Text;
using NetZero.Checkpoints;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Training.Tests;

/// <summary>Text by the small model of PyTorch's run: 256 bytes, 64 positions.</summary>
public sealed class TextGeneratorTests
{
    private static readonly string Folder = Fixtures.Gpt2Tiny.Folder;
    private static readonly SamplingOptions Greedy = new(Temperature: 0);

    // Every next token by a forward pass over exactly the tokens that there are, without padding.
    private static byte[] LikeliestByHand(byte[] prompt, int count)
    {
        using var files = HuggingFaceFolder.Open(Folder);
        using var tensors = new TensorContext { Training = false };
        var model = new Gpt2(files.Config.ToModelConfig());
        model.Materialize(tensors, new HuggingFaceSource(files), requireGrad: false);
        using var noGrad = tensors.NoGrad();
        var tokens = prompt.Select(b => (int)b).ToList();
        for (var i = 0; i < count; i++)
        {
            using var scope = tensors.BeginScope("by hand");
            var window = tokens.TakeLast(model.Config.PositionCount).ToArray();
            var logits = model.NextTokenLogits(tensors.From<int>(window, [1, window.Length])).ToArray<float>();
            tokens.Add(Array.IndexOf(logits, logits.Max()));
        }
        return [.. tokens.Skip(prompt.Length).Select(token => (byte)token)];
    }

    // Lengths below, at and above the shortest padded one (32), up to n_positions (64), and beyond it, where the window moves.
    [Theory]
    [InlineData(1, 40)]
    [InlineData(31, 3)]
    [InlineData(60, 12)]
    [InlineData(64, 3)]
    [InlineData(150, 5)]
    public void TemperatureZero_IsTheLikeliestTokenOfAnUnpaddedForward(int promptLength, int count)
    {
        var prompt = File.ReadAllBytes(Fixtures.Gpt2Tiny.TextPath)[..promptLength];
        Assert.All(prompt, b => Assert.InRange(b, 0, 127));
        using var generator = TextGenerator.Load(Folder);

        Assert.Equal(
            Encoding.UTF8.GetString(LikeliestByHand(prompt, count)), generator.Generate(Encoding.UTF8.GetString(prompt), count, Greedy));
    }

    [Fact]
    public void PiecesTogether_AreTheText_AlsoWhereCharactersHaveSeveralBytes()
    {
        using var generator = TextGenerator.Load(Folder);
        var all = "";
        for (var seed = 0; seed < 8; seed++)
        {
            // So hot that all bytes are about as likely: parts of characters, whole ones, and bytes that are none.
            var pieces = new StringBuilder();
            var text = generator.Generate("\u00e9", 100, new SamplingOptions(Temperature: 1000, Seed: seed), piece => pieces.Append(piece));
            Assert.Equal(text, pieces.ToString());
            all += text;
        }
        Assert.Contains(all, c => c is >= '\u0080' and not '\uFFFD');
        Assert.Contains('\uFFFD', all);
    }

    [Fact]
    public void GrowingText_AsksForNoMoreMemory()
    {
        using var generator = TextGenerator.Load(Folder);
        generator.Generate("a", 1, Greedy);
        var shortest = generator.SystemAllocations;
        generator.Generate("a", 30, Greedy);
        Assert.Equal(shortest, generator.SystemAllocations);

        generator.Generate(new string('a', 33), 1, Greedy);
        var longest = generator.SystemAllocations;
        generator.Generate(new string('a', 33), 60, Greedy);
        Assert.Equal(longest, generator.SystemAllocations);
    }
}

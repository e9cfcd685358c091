using System.Text.Json;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Nn.Tests.Models;

/// <summary>GPT-2's parameters: names as Hugging Face's, counts as published, values as the paper says, and no memory before anybody binds them.</summary>
public class Gpt2ParameterTests
{
    private static readonly Gpt2Config Tiny = new() { LayerCount = 2, HeadCount = 4, EmbeddingSize = 64, PositionCount = 64, VocabularySize = 256 };

    [Fact]
    public void Names_AreThoseOfHuggingFacesFile_WithTheirShapes()
    {
        var bytes = File.ReadAllBytes(Path.Combine(Fixtures.Gpt2Tiny.Folder, "model.safetensors"));
        var header = JsonDocument.Parse(bytes.AsMemory(sizeof(long), (int)BitConverter.ToInt64(bytes)));
        var inFile = header.RootElement.EnumerateObject()
            .Where(tensor => tensor.Name != "__metadata__")
            .ToDictionary(tensor => tensor.Name, tensor => tensor.Value.GetProperty("shape").EnumerateArray().Select(extent => extent.GetInt64()).ToArray());

        var inModel = new Gpt2(Tiny).NamedParameters().ToDictionary(p => p.Name, p => p.Parameter.Shape.Extents.ToArray());

        Assert.Equal(inFile.Keys.Order(), inModel.Keys.Order());
        Assert.All(inFile, tensor => Assert.Equal(tensor.Value, inModel[tensor.Key]));
    }

    [Fact]
    public void Names_FollowTheirPattern_InForwardOrder()
    {
        string[] block =
        [
            "ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight", "attn.c_proj.bias",
            "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias",
        ];

        Assert.Equal(
            ["wte.weight", "wpe.weight", .. block.Select(name => $"h.0.{name}"), .. block.Select(name => $"h.1.{name}"), "ln_f.weight", "ln_f.bias"],
            new Gpt2(Tiny).NamedParameters().Select(p => p.Name));
        Assert.Equal(["h.0", "h.1"], new Gpt2(Tiny).Units().Select(unit => unit.Name));
    }

    // What transformers reports for gpt2, gpt2-medium, gpt2-large and gpt2-xl; the tied head is counted once.
    public static TheoryData<string, long> PublishedCounts => new()
    {
        { nameof(Gpt2Config.Small), 124_439_808 },
        { nameof(Gpt2Config.Medium), 354_823_168 },
        { nameof(Gpt2Config.Large), 774_030_080 },
        { nameof(Gpt2Config.ExtraLarge), 1_557_611_200 },
    };

    [Theory]
    [MemberData(nameof(PublishedCounts))]
    public void ParameterCount_IsThePublishedOne(string size, long count)
    {
        var config = size switch
        {
            nameof(Gpt2Config.Small) => Gpt2Config.Small,
            nameof(Gpt2Config.Medium) => Gpt2Config.Medium,
            nameof(Gpt2Config.Large) => Gpt2Config.Large,
            _ => Gpt2Config.ExtraLarge,
        };

        Assert.Equal(count, new Gpt2(config).ParameterCount());
    }

    [Fact]
    public void Model_LargerThanMemory_IsBuiltOnNone()
    {
        // The shape of GPT-3: 12 L C^2 + 13 L C + 2 C + (V + T) C elements, 698 GB in fp32.
        const long layers = 96, c = 12288, positions = 2048, vocabulary = 50257;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var model = new Gpt2(new Gpt2Config
        {
            LayerCount = (int)layers,
            HeadCount = 96,
            EmbeddingSize = (int)c,
            PositionCount = (int)positions,
            VocabularySize = (int)vocabulary,
        });
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal((12 * layers * c * c) + (13 * layers * c) + (2 * c) + ((vocabulary + positions) * c), model.ParameterCount());
        Assert.All(model.NamedParameters(), p => Assert.False(p.Parameter.IsBound, p.Name));
        // 1,156 parameters and some 900 modules: names, lists and shapes of less than 1 KiB each, and no values.
        Assert.InRange(allocated, 1, 2 << 20);
        Assert.Equal(
            "Parameter 'weight' [50257, 12288] has no memory yet; apply FullyShard to the model, or call Materialize.",
            Assert.Throws<InvalidOperationException>(() => model.NamedParameters().First().Parameter.Value).Message);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void InitialValues_AreNormal_WithResidualProjectionsScaledDown(int layers)
    {
        // GPT-2's initializer_range, and 1 / sqrt(2 L) for the two projections of each of L blocks back into the residual stream.
        const double deviation = 0.02;
        using var tensors = new TensorContext(new TensorContextOptions { Seed = 3 });
        var model = new Gpt2(Tiny with { LayerCount = layers });
        model.Materialize(tensors);

        foreach (var (name, parameter) in model.NamedParameters())
        {
            var values = parameter.Value.ToArray<float>();
            if (parameter.Shape.Dims < 2)
            {
                var start = name.Contains("ln_", StringComparison.Ordinal) && name.EndsWith(".weight", StringComparison.Ordinal) ? 1f : 0f;
                Assert.All(values, value => Assert.Equal(start, value));
                continue;
            }

            var expected = name.EndsWith(".c_proj.weight", StringComparison.Ordinal) ? deviation / Math.Sqrt(2 * layers) : deviation;
            var mean = values.Average(v => (double)v);
            var found = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));

            // Of n normal values the mean has the standard error sigma / sqrt(n), the deviation sigma / sqrt(2 n); five of them each.
            Assert.InRange(mean, -5 * expected / Math.Sqrt(values.Length), 5 * expected / Math.Sqrt(values.Length));
            Assert.InRange(found / expected - 1, -5 / Math.Sqrt(2.0 * values.Length), 5 / Math.Sqrt(2.0 * values.Length));
        }
    }

    [Fact]
    public void InitialValues_DifferBetweenParametersAndSeeds_AndNotBetweenRuns()
    {
        float[] Values(long seed, string name)
        {
            using var tensors = new TensorContext(new TensorContextOptions { Seed = seed });
            var model = new Gpt2(Tiny);
            model.Materialize(tensors);
            return model.NamedParameters().Single(p => p.Name == name).Parameter.Value.ToArray<float>();
        }

        Assert.Equal(Values(1, "h.0.mlp.c_fc.weight"), Values(1, "h.0.mlp.c_fc.weight"));
        Assert.NotEqual(Values(1, "h.0.mlp.c_fc.weight"), Values(2, "h.0.mlp.c_fc.weight"));
        Assert.NotEqual(Values(1, "h.0.mlp.c_fc.weight"), Values(1, "h.1.mlp.c_fc.weight"));
    }

    [Theory]
    [InlineData("n_embd 64 is not divisible by n_head 5; each head takes an equal part of the hidden size.", 2, 5, 64, 256, 0)]
    [InlineData("n_layer is 0; it must be at least 1.", 0, 4, 64, 256, 0)]
    [InlineData("n_head is -1; it must be at least 1.", 2, -1, 64, 256, 0)]
    [InlineData("vocab_size is 0; it must be at least 1.", 2, 4, 64, 0, 0)]
    [InlineData("dropout is 1; it must be at least 0 and below 1.", 2, 4, 64, 256, 1)]
    [InlineData("dropout is NaN; it must be at least 0 and below 1.", 2, 4, 64, 256, float.NaN)]
    public void ShapeThatCannotBe_IsRefused(string message, int layers, int heads, int embedding, int vocabulary, float dropout)
    {
        var config = Tiny with { LayerCount = layers, HeadCount = heads, EmbeddingSize = embedding, VocabularySize = vocabulary, Dropout = dropout };

        Assert.Equal(message, Assert.Throws<ArgumentException>(() => new Gpt2(config)).Message);
    }
}

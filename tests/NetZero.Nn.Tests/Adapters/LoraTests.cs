using NetZero.Tensors;

namespace NetZero.Nn.Tests;

/// <summary>Which layers get adapters, what is trained then, and that merging changes no more than rounding.</summary>
public class LoraTests
{
    private static readonly Gpt2Config Tiny = new() { LayerCount = 2, HeadCount = 2, EmbeddingSize = 16, PositionCount = 12, VocabularySize = 40 };

    [Theory]
    [InlineData("h.0.attn.c_attn, h.1.attn.c_attn", "c_attn")]
    [InlineData("h.0.attn.c_proj, h.1.attn.c_proj", "attn.c_proj")]
    [InlineData("h.0.attn.c_proj, h.0.mlp.c_proj, h.1.attn.c_proj, h.1.mlp.c_proj", "c_proj")]
    [InlineData("h.1.mlp.c_fc", "h.1.mlp.c_fc")]
    [InlineData("h.1.attn.c_attn, h.1.attn.c_proj", "h.1.attn.*")]
    [InlineData("h.0.attn.c_attn, h.0.attn.c_proj, h.0.mlp.c_fc, h.0.mlp.c_proj, h.1.attn.c_attn, h.1.attn.c_proj, h.1.mlp.c_fc, h.1.mlp.c_proj", LoraTargets.AllLinear)]
    public void Targets_AreNamesEndsOfNamesAndPatterns(string expected, string target)
    {
        var model = new Gpt2(Tiny);
        Lora.Apply(model, new LoraOptions { TargetModules = [target] });

        Assert.Equal(expected, string.Join(", ", Lora.Adapted(model).Select(l => l.Name)));
        Assert.Equal(Lora.Parameters(model).Select(p => p.Name), model.NamedParameters().Where(p => !p.Parameter.IsFixed).Select(p => p.Name));

        // What is written for others means the same layers.
        Assert.Equal(expected, string.Join(", ", LoraTargets.Find(new Gpt2(Tiny), LoraTargets.Portable(model, [target])).Select(l => l.Name)));
    }

    [Fact]
    public void Adapters_HavePeftsNamesAndShapes()
    {
        var model = new Gpt2(Tiny);
        Lora.Apply(model, new LoraOptions { Rank = 3, TargetModules = ["c_attn", "mlp.c_proj"] });
        Assert.Equal(
            ["h.0.attn.c_attn.lora_A.weight [3, 16]", "h.0.attn.c_attn.lora_B.weight [48, 3]", "h.0.mlp.c_proj.lora_A.weight [3, 64]", "h.0.mlp.c_proj.lora_B.weight [16, 3]"],
            Lora.Parameters(model).Take(4).Select(p => $"{p.Name} {p.Parameter.Shape}"));
    }

    [Fact]
    public void Target_ThatMeansNothing_IsRefusedWithTheNamesThatExist_AndTheModelIsAsItWas()
    {
        var model = new Gpt2(Tiny);
        var error = Assert.Throws<ArgumentException>(() => Lora.Apply(model, new LoraOptions { TargetModules = ["c_attn", "q_proj"] }));
        Assert.Contains("'q_proj', which is no linear layer of the model; these are named 'c_attn', 'c_proj', 'c_fc'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(model.NamedParameters(), p => p.Parameter.IsFixed);

        // The end of a name begins at a dot.
        Assert.Throws<ArgumentException>(() => Lora.Apply(model, new LoraOptions { TargetModules = ["attn"] }));
    }

    [Theory]
    [InlineData("r is 0", 0, 8, 0)]
    [InlineData("lora_alpha is -1", 1, -1, 0)]
    [InlineData("lora_dropout is 1", 1, 8, 1)]
    public void Settings_ThatCannotBe_AreRefused(string problem, int rank, double alpha, double dropout) => Assert.Contains(
        problem, Assert.Throws<ArgumentException>(() => Lora.Apply(new Gpt2(Tiny), new LoraOptions { Rank = rank, Alpha = alpha, Dropout = dropout })).Message, StringComparison.Ordinal);

    [Fact]
    public void Adapter_StartsAsNothing_AMergedOneGivesTheLogits_AndUnmergedItIsTheBaseAgain()
    {
        using var context = new TensorContext(new TensorContextOptions { Seed = 5 });
        using var noGrad = context.NoGrad();
        context.Training = false;
        var tokens = context.From<int>([.. Enumerable.Range(0, 12).Select(i => i * 7 % 40)], [1, 12]);
        var plain = new Gpt2(Tiny);
        plain.Materialize(context);
        var adapted = new Gpt2(Tiny);
        Lora.Apply(adapted, new LoraOptions { Rank = 4, Alpha = 16, TargetModules = [LoraTargets.AllLinear] });
        adapted.Materialize(context);
        Assert.Equal(Logits(plain), Logits(adapted));

        foreach (var (_, layer) in Lora.Adapted(adapted))
            FlatMemory.Fill(layer.Adapter!.Up.Weight.Value, 0, layer.Adapter.Up.Weight.Shape.Elements, (first, span) =>
            {
                for (var i = 0; i < span.Length; i++)
                    span[i] = MathF.Sin(first + i) * 0.05f;
            });
        var found = Logits(adapted);
        Assert.True(Distance(Logits(plain), found) > 1e-2);
        Lora.Merge(adapted);
        Assert.InRange(Distance(found, Logits(adapted)), 0, 1e-5);
        Assert.Throws<InvalidOperationException>(() => Lora.Merge(adapted));
        Lora.Unmerge(adapted);
        Assert.InRange(Distance(found, Logits(adapted)), 0, 1e-5);
        Assert.InRange(Distance(plain.NamedParameters().First(p => p.Name == "h.0.attn.c_attn.weight").Parameter.Value.ToArray<float>(), adapted.NamedParameters().First(p => p.Name == "h.0.attn.c_attn.weight").Parameter.Value.ToArray<float>()), 0, 1e-7);

        float[] Logits(Gpt2 model) => model.NextTokenLogits(tokens).ToArray<float>();
    }

    [Fact]
    public void Scale_IsAlphaOverTheRank_OrOverItsRoot()
    {
        Assert.Equal(4, new LoraOptions { Rank = 4, Alpha = 16 }.Scale);
        Assert.Equal(8, new LoraOptions { Rank = 4, Alpha = 16, UseRslora = true }.Scale);
    }

    private static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();
}

using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>Parameters with settings of their own, by name.</summary>
public class ParameterGroupTests
{
    // Plain SGD with a gradient of 1 everywhere and a start of 7: what moved an element is its rate and its decay.
    private static float[] Step(double rate, params ParameterGroup[] groups)
    {
        using var tensors = new TensorContext();
        var shard = new TwoTensors(tensors);
        var sgd = new Sgd(shard, new SgdOptions { LearningRate = 1, WeightDecay = 0.5, Groups = groups }) { LearningRate = rate };
        sgd.Step();
        return shard.Values.ToArray<float>();
    }

    private static readonly int Weight = 0, Bias = 19, Other = 26;

    [Fact]
    public void AGroup_HasItsOwnRateAndDecay_AndTheScheduleMovesBoth()
    {
        // Half of the base rate: 0.5 for all, 0.5 x 4 for the group.
        var found = Step(0.5, new ParameterGroup("a.*") { LearningRate = 4, WeightDecay = 0.25 });
        Assert.Equal(7 - (2 * (1 + (0.25f * 7))), found[Weight]);
        Assert.Equal(7 - (2 * (1 + (0.25f * 7))), found[Bias]);
        Assert.Equal(7 - (0.5f * (1 + (0.5f * 7))), found[Other]);
    }

    [Fact]
    public void TheFirstGroupThatFits_IsTheOne()
    {
        var found = Step(1, new ParameterGroup("*.bias") { LearningRate = 2 }, new ParameterGroup("a.*") { LearningRate = 3 });
        Assert.Equal(7 - 2, found[Bias]); // a vector: no decay
        Assert.Equal(7 - (3 * (1 + (0.5f * 7))), found[Weight]);
        Assert.Equal(7 - (1 + (0.5f * 7)), found[Other]);
    }

    [Fact]
    public void AGroupThatFitsNothing_IsRefused_WithNamesThatExist()
    {
        var error = Assert.Throws<ArgumentException>(() => Step(1, new ParameterGroup("*.wieght")));
        Assert.Contains("'*.wieght' fits no parameter that no earlier group has", error.Message, StringComparison.Ordinal);
        Assert.Contains("'a.weight', 'a.bias', 'b.weight'", error.Message, StringComparison.Ordinal);

        // All that it would fit belongs to an earlier one.
        Assert.Throws<ArgumentException>(() => Step(1, new ParameterGroup("a.*"), new ParameterGroup("a.bias")));
    }

    [Fact]
    public void ARateOfItsOwn_NeedsARateToFollow()
    {
        using var tensors = new TensorContext();
        var options = new SgdOptions { LearningRate = 0, Groups = [new ParameterGroup("a.*") { LearningRate = 1 }] };
        Assert.Throws<ArgumentException>(() => new Sgd(new TwoTensors(tensors), options));
    }
}

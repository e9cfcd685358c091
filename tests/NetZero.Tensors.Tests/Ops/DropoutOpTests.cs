namespace NetZero.Tensors.Tests;

public class DropoutOpTests
{
    // y = x m with m in {0, 1 / (1 - p)}, so dx = dy m with the same m.
    [Fact]
    public void Dropout_Backward_UsesTheMaskOfTheForwardPass()
    {
        using var context = new TensorContext(new TensorContextOptions { Seed = 3 });
        context.Random.BeginForward(step: 2, firstSample: 8);
        var x = context.Full([4, 3, 7], 1).RequireGrad();
        var y = x.Dropout(0.25);
        y.Backward(context.Full([4, 3, 7], 1));
        Assert.Equal(y.ToArray<float>(), x.Grad!.ToArray<float>());
        Assert.Contains(0f, y.ToArray<float>());
        Assert.Contains(1 / (1 - 0.25f), y.ToArray<float>());
    }

    [Fact]
    public void Dropout_TwoSitesOfOnePass_DropDifferently()
    {
        using var context = new TensorContext();
        context.Random.BeginForward(0, 0);
        var x = context.Full([1, 100], 1);
        Assert.NotEqual(x.Dropout(0.5).ToArray<float>(), x.Dropout(0.5).ToArray<float>());
    }

    [Fact]
    public void Dropout_SamplesSplitOverRanks_DropAsTheWholeBatchDoes()
    {
        float[] Run(long first, long samples)
        {
            using var context = new TensorContext(new TensorContextOptions { Seed = 3 });
            context.Random.BeginForward(step: 2, first);
            return context.Full([samples, 50], 1).Dropout(0.5).ToArray<float>();
        }

        Assert.Equal(Run(0, 4), Run(0, 3).Concat(Run(3, 1)));
    }

    [Fact]
    public void Dropout_InEvaluationOrWithoutProbability_IsTheIdentity()
    {
        using var context = new TensorContext();
        var x = context.Full([2, 2], 1);
        Assert.Same(x, x.Dropout(0));
        context.Training = false;
        Assert.Same(x, x.Dropout(0.5));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void Dropout_ImpossibleProbability_IsRefused(double probability)
    {
        using var context = new TensorContext();
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Full([1], 1).Dropout(probability));
    }
}

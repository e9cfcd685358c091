using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>The scale of the loss follows DeepSpeed's rules, and a step that overflows on one rank is skipped by all.</summary>
public class LossScalingTests
{
    // What DeepSpeed's DynamicLossScaler does, written down from its rules: an overflow takes one from the hysteresis, and halves once that is 1; a window of steps without one, counted from
    // the last overflow (or from step -1), doubles and restores the hysteresis. "x" overflows.
    [Theory]
    [InlineData("....", 2, 1, false, "16 32 32 64")]
    [InlineData("xxxx", 2, 1, false, "8 4 2 1")]
    [InlineData("xxxx", 2, 3, false, "16 16 8 4")]
    [InlineData("x.x.x.x", 9, 2, false, "16 16 8 8 4 4 2")]
    [InlineData("x.x.x.x", 9, 2, true, "16 16 16 16 16 16 16")]
    [InlineData("x...x.", 3, 2, false, "16 16 16 32 32 32")]
    [InlineData("..x.x....", 4, 1, false, "16 16 8 8 4 4 4 4 8")]
    public void Scale_FollowsDeepSpeedsSequence(string steps, int window, int hysteresis, bool consecutive, string scales)
    {
        var scaler = new LossScaler(new LossScalerOptions { InitialScalePower = 4, LossScaleWindow = window, Hysteresis = hysteresis, ConsecutiveHysteresis = consecutive });
        var found = new List<double>();
        foreach (var step in steps)
        {
            scaler.Update(overflow: step == 'x');
            found.Add(scaler.Scale);
        }

        Assert.Equal(scales, string.Join(' ', found));
    }

    [Fact]
    public void Scale_AtItsSmallest_EndsTheRunAtTheNextOverflow()
    {
        var scaler = new LossScaler(new LossScalerOptions { InitialScalePower = 2, Hysteresis = 1, MinLossScale = 2 });
        scaler.Update(overflow: true);
        Assert.Equal(2, scaler.Scale);
        Assert.Contains("min_loss_scale 2", Assert.Throws<LossScaleException>(() => scaler.Update(overflow: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FixedScale_Stays()
    {
        var scaler = new LossScaler(new LossScalerOptions { LossScale = 128, LossScaleWindow = 1, Hysteresis = 1 });
        foreach (var overflow in (bool[])[true, false, true, true, false])
            scaler.Update(overflow);
        Assert.Equal(128, scaler.Scale);
        Assert.False(scaler.IsDynamic);
    }

    [Fact]
    public void State_GoesOnWhereItWas()
    {
        var options = new LossScalerOptions { LossScaleWindow = 3, Hysteresis = 2 };
        var (first, second) = (new LossScaler(options), new LossScaler(options));
        foreach (var overflow in (bool[])[false, true, false, false])
            first.Update(overflow);
        second.State = first.State;
        foreach (var overflow in (bool[])[false, true, true, false, false])
        {
            first.Update(overflow);
            second.Update(overflow);
            Assert.Equal(first.State, second.State);
        }
    }

    // Rank 1 alone overflows in steps 1 and 2: nobody updates in them, everybody's scale is halved once (hysteresis 2), and all stages have the same bits.
    [Theory]
    [InlineData(3, 0)]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(3, 3)]
    [InlineData(7, 3)]
    [InlineData(8, 1)]
    [InlineData(9, 2)]
    public void OverflowOnOneRank_SkipsTheStepOnEveryRank(int ranks, int stage)
    {
        ToyRun Run(int stage) => new()
        {
            Model = () => new ToyModel(2),
            Ranks = ranks,
            Steps = 4,
            GlobalRows = ranks,
            Policy = ShardingPolicy.ForStage(stage),
            Precision = MixedPrecisionPolicy.Half,
            LossScaler = new LossScalerOptions { InitialScalePower = 10, LossScaleWindow = 2 },
            LossFactor = (rank, step) => rank == 1 && step is 1 or 2 ? float.PositiveInfinity : 1,
            Optimizer = parameters => new AdamW(parameters),
        };
        var (found, reference) = (Run(stage).Run(), Run(0).Run());
        Assert.Equal(reference.Losses, found.Losses);
        foreach (var (name, values) in reference.After[0])
        {
            Assert.All(values, value => Assert.True(float.IsFinite(value)));
            for (var rank = 0; rank < ranks; rank++)
                Assert.Equal(values, found.After[rank][name]);
        }

        // After step 0 the model has moved; steps 1 and 2 leave it, so steps 1, 2 and 3 of equal inputs would have equal losses: the scaler says what happened.
        foreach (var trace in found.Traces)
            Assert.Equal(new LossScalerState(512, 4, 2, 1), trace.Module.LossScaler!.State);
        Assert.All(found.Norms[1..3], norm => Assert.False(double.IsFinite(norm)));
        Assert.True(double.IsFinite(found.Norms[0]) && double.IsFinite(found.Norms[3]));
    }

    // The gradient of a logit is scaled by 2^18, beyond what 16 bits hold: infinite before its value is limited, and the norm behind
    // that says so.
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    public void Overflow_IsFoundBehindALimitOfValues(int ranks, int stage) => Ranks.Run(ranks, rank =>
    {
        var model = new OneWeight();
        var scaler = new LossScalerOptions { InitialScalePower = 18, Hysteresis = 1 };
        var options = new ShardingOptions { MixedPrecision = MixedPrecisionPolicy.Half, LossScaler = scaler };
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), options);
        var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 1 });
        using (var step = sharded.BeginStep())
        {
            step.Backward(model.Loss(rank.Tensors.From<float>([1], [1, 1]).Cast(DType.F16)));
            using (var gradient = sharded.GatherGradient("unit.linear.weight"))
                Assert.Equal([float.NegativeInfinity, float.PositiveInfinity], gradient.Value.ToArray<float>());
            sharded.ClipGradientValue(0.1);
            var norm = sharded.ClipGradientNorm(1);
            optimizer.Step();
            Assert.Equal(double.PositiveInfinity, norm.Item());
            Assert.False(sharded.AcceptGradients(norm.Item()));
            Assert.Equal(1 << 17, sharded.LossScaler!.Scale);
            optimizer.TakeBack();
        }

        using var weight = sharded.GatherParameter("unit.linear.weight");
        Assert.Equal([0f, 0f], weight.Value.ToArray<float>());
    });

    // The scaler doubles after each clean step. What comes after it was told belongs to the losses of this step all the same.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AcceptedGradients_AreDividedByTheScaleOfTheirOwnStep(int stage)
    {
        var (before, after) = (Train(acceptsFirst: false), Train(acceptsFirst: true));
        Assert.True(before.Norms.Min() > 0.01, "the norm must be above the limit for the test to mean something");
        Assert.Equal(before.Norms, after.Norms);
        Assert.Contains(before.Gradient, g => Math.Abs(g) == 0.005f);
        Assert.Equal(before.Gradient, after.Gradient);
        Assert.Equal(before.Weights, after.Weights);

        (double[] Norms, float[] Gradient, float[] Weights) Train(bool acceptsFirst) => Ranks.Run(2, rank =>
        {
            var model = new ToyModel();
            var options = new ShardingOptions { MixedPrecision = MixedPrecisionPolicy.BFloat16, LossScaler = new LossScalerOptions { LossScaleWindow = 1 } };
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), options);
            var optimizer = new Sgd(sharded);
            var norms = new List<double>();
            float[] gradient = [];
            for (var i = 0; i < 2; i++)
            {
                using var step = sharded.BeginStep();
                step.Backward(model.Loss(MixedPrecisionTests.Inputs(rank), rank.Tensors.From<int>([0, 1], [2])));
                var scale = sharded.LossScaler!.Scale;
                if (acceptsFirst)
                    Accept();
                norms.Add(sharded.GradientNorm().Item());
                sharded.ClipGradientValue(0.005);
                using (var whole = sharded.GatherGradient("head.weight"))
                    gradient = whole.Value.ToArray<float>();
                norms.Add(sharded.ClipGradientNorm(0.01).Item());
                if (!acceptsFirst)
                    Accept();
                optimizer.Step();

                void Accept()
                {
                    Assert.True(sharded.AcceptGradients(sharded.GradientNorm().Item()));
                    Assert.Equal(2 * scale, sharded.LossScaler!.Scale);
                }
            }

            using var weights = sharded.GatherParameter("head.weight");
            return (norms.ToArray(), gradient, weights.Value.ToArray<float>());
        })[0];
    }

    // A power of two changes exponents only: the same update, bit for bit, but for what underflowed without it.
    [Fact]
    public void Scale_OfAPowerOfTwo_ChangesNoBitInBFloat16()
    {
        ToyRun.Outcome Run(LossScalerOptions? scaler) => new ToyRun
        {
            Model = () => new ToyModel(2),
            Ranks = 2,
            Steps = 5,
            GlobalRows = 4,
            Clip = 0.1,
            Precision = MixedPrecisionPolicy.BFloat16,
            LossScaler = scaler,
        }.Run();
        Run(new LossScalerOptions { LossScale = 4096 }).AssertSameBits(Run(null));
    }
}

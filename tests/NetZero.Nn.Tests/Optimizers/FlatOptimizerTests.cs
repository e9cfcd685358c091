using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>Optimizers over a flat shard: which elements they touch, which decay, and every number against plain scalar code.</summary>
public class FlatOptimizerTests
{
    private const int Steps = 5;
    private const double BaseRate = 1e-2;
    private const double Decay = 0.3;

    // Unit roundoff of a float.
    private static readonly double U = Math.Pow(2, -24);

    // Between 0.5 and 1 in size, of both signs: no division amplifies an error by more than 2.
    private static float Gradient(int element, int step)
    {
        var random = new Random((1000 * step) + element);
        return (random.Next(2) == 0 ? -1 : 1) * (0.5f + (random.NextSingle() / 2));
    }

    private static float Start(int element) => (new Random(element).NextSingle() * 2) - 1;

    private static float[] Train(Func<IFlatParameters, Optimizer> make, float? scale = null)
    {
        using var tensors = new TensorContext();
        var shard = new TwoTensors(tensors, scale is { } s ? tensors.Full([1], s).Keep() : null);
        var values = shard.Values.ToArray<float>();
        foreach (var (i, _) in shard.Elements())
            values[i] = Start(i);
        shard.Values.CopyFrom<float>(values);
        var optimizer = make(shard);
        for (var step = 0; step < Steps; step++)
        {
            shard.Gradients.CopyFrom<float>(Enumerable.Range(0, TwoTensors.Length).Select(i => Gradient(i, step)).ToArray());
            optimizer.LearningRate = Rate(step);
            optimizer.Step();
        }

        Assert.Equal(Steps, optimizer.Steps);
        return shard.Values.ToArray<float>();
    }

    private static double Rate(int step) => BaseRate / (step + 1);

    private static void Check(float[] found, Func<int, bool, double> expected, double bound)
    {
        using var tensors = new TensorContext();
        var owned = new TwoTensors(tensors).Elements().ToDictionary(e => e.Element, e => e.IsMatrix);
        for (var i = 0; i < found.Length; i++)
        {
            if (owned.TryGetValue(i, out var isMatrix))
                Assert.Equal(expected(i, isMatrix), found[i], bound);
            else
                Assert.Equal(TwoTensors.Untouched, found[i]);
        }
    }

    [Theory]
    [InlineData(false, 1f)]
    [InlineData(true, 1f)]
    [InlineData(false, 0.25f)]
    public void AdamW_FiveSteps_AreThoseOfScalarCode_WithDecayOnMatricesOnlyUnlessAskedFor(bool decayAll, float scale)
    {
        const double beta1 = 0.8, beta2 = 0.95, epsilon = 1e-8;
        var options = new AdamWOptions { Beta1 = beta1, Beta2 = beta2, Epsilon = epsilon, WeightDecay = Decay, WeightDecayAll = decayAll };
        var found = Train(parameters => new AdamW(parameters, options), scale == 1 ? null : scale);

        // Loshchilov and Hutter 2019, algorithm 2, with the rate of each step.
        double Expected(int i, bool isMatrix)
        {
            double p = Start(i), m = 0, v = 0;
            for (var step = 0; step < Steps; step++)
            {
                var g = (double)Gradient(i, step) * scale;
                if (isMatrix || decayAll)
                    p -= Rate(step) * Decay * p;
                m = (beta1 * m) + ((1 - beta1) * g);
                v = (beta2 * v) + ((1 - beta2) * g * g);
                var correctedM = m / (1 - Math.Pow(beta1, step + 1));
                var correctedV = v / (1 - Math.Pow(beta2, step + 1));
                p -= Rate(step) * correctedM / (Math.Sqrt(correctedV) + epsilon);
            }

            return p;
        }

        // After t steps the corrected m has 4 t roundings relative to gradients of at most 1, the corrected v as many relative to itself, which the root
        // halves; its root is at least 0.5, so m / sqrt(v) is at most 2 and has an error of at most (8 + 4) t + 8 roundings. Each step rounds p (at most 1.1) three
        // times: the decay, its factor and the sum.
        var bound = Enumerable.Range(1, Steps).Sum(t => (3 * 1.1 * U) + (Rate(t - 1) * ((12 * t) + 8) * U));
        Check(found, Expected, bound);
    }

    [Theory]
    [InlineData(0.0, false, 1f)]
    [InlineData(0.9, false, 1f)]
    [InlineData(0.9, true, 0.5f)]
    public void Sgd_FiveSteps_AreThoseOfScalarCode(double momentum, bool decayAll, float scale)
    {
        var options = new SgdOptions { Momentum = momentum, WeightDecay = Decay, WeightDecayAll = decayAll };
        var found = Train(parameters => new Sgd(parameters, options), scale == 1 ? null : scale);

        // PyTorch's SGD: b = g at the first step, then momentum b + g; p -= lr b.
        double Expected(int i, bool isMatrix)
        {
            double p = Start(i), b = 0;
            for (var step = 0; step < Steps; step++)
            {
                var g = ((double)Gradient(i, step) * scale) + (isMatrix || decayAll ? Decay * p : 0);
                b = (momentum * b) + g;
                p -= Rate(step) * b;
            }

            return p;
        }

        // The buffer is at most 5 x 1.33 and takes four roundings a step that stay in it; p (at most 1.1) takes one a step.
        var bound = Enumerable.Range(1, Steps).Sum(t => (1.1 * U) + (Rate(t - 1) * 4 * t * 6.65 * U));
        Check(found, Expected, bound);
    }

    [Fact]
    public void Decay_TellsMatricesFromVectors()
    {
        // With a rate of 1 % and a decay of 30 the two settings must differ visibly on the bias and not at all elsewhere.
        float[] Run(bool all) => Train(parameters => new AdamW(parameters, new AdamWOptions { WeightDecay = 30, WeightDecayAll = all }));
        var (some, every) = (Run(false), Run(true));
        using var tensors = new TensorContext();
        foreach (var (i, isMatrix) in new TwoTensors(tensors).Elements())
        {
            if (isMatrix)
                Assert.Equal(some[i], every[i]);
            else
                Assert.True(Math.Abs(some[i] - every[i]) > 0.1 * Math.Abs(Start(i)), $"element {i} of the bias");
        }
    }

    [Fact]
    public void State_IsMadeOnce_AsOptimizerMemory()
    {
        using var tensors = new TensorContext();
        var shard = new TwoTensors(tensors);
        var adam = new AdamW(shard);
        Assert.Equal(0, tensors.Ledger.Live(MemoryKind.Optimizer));
        adam.Prepare();
        Assert.Equal(2 * TwoTensors.Length * sizeof(float), tensors.Ledger.Live(MemoryKind.Optimizer));
        adam.Step();
        Assert.Equal(2 * TwoTensors.Length * sizeof(float), tensors.Ledger.Live(MemoryKind.Optimizer));
        Assert.Equal([new("exp_avg", DType.F32), new("exp_avg_sq", DType.F32)], adam.States);
    }

    [Fact]
    public void Sgd_WithoutMomentum_HasNoState()
    {
        using var tensors = new TensorContext();
        var sgd = new Sgd(new TwoTensors(tensors));
        sgd.Step();

        Assert.Empty(sgd.States);
        Assert.Equal(0, tensors.Ledger.Live(MemoryKind.Optimizer));
        Assert.Equal([new("momentum_buffer", DType.F32)], new Sgd(new TwoTensors(tensors), new SgdOptions { Momentum = 0.9 }).States);
    }
}

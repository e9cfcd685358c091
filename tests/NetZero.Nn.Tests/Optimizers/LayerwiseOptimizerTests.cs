using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>LAMB and LARS against their papers' formulas in double precision, over a flat shard with parts of two matrices and a bias.</summary>
public class LayerwiseOptimizerTests
{
    private const int Steps = 20;
    private const double Rate = 0.01;
    private const double Decay = 0.1;
    private const float GradientScale = 0.5f;

    private static float Start(int element) => (new Random(element).NextSingle() * 2) - 1;

    private static float Gradient(int element, int step) => (new Random((1000 * step) + element).NextSingle() * 2) - 1;

    // Every step rounds each element a handful of times, relative to its size of about 1, and errors of norms are smaller: 20 steps of 16 roundings of 2^-24.
    private static readonly double Bound = Steps * 16 * Math.Pow(2, -24);

    [Fact]
    public void Lamb_FollowsAlgorithm2()
    {
        var found = Train(shard => new Lamb(shard, new LambOptions { LearningRate = Rate, WeightDecay = Decay, MaxCoefficient = 1.5 }), out var shard);
        var (m, v) = (new double[TwoTensors.Length], new double[TwoTensors.Length]);
        var expected = Reference(shard, (values, range, step, decay) =>
        {
            var direction = new Dictionary<int, double>();
            foreach (var i in Elements(range))
            {
                var g = Gradient(i, step) * (double)GradientScale;
                m[i] = (0.9 * m[i]) + (0.1 * g);
                v[i] = (0.999 * v[i]) + (0.001 * g * g);
                direction[i] = (m[i] / (1 - Math.Pow(0.9, step + 1)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, step + 1))) + 1e-8)) + (decay * values[i]);
            }

            var ratio = range.Parameter.Shape.Dims < 2
                ? 1
                : Math.Clamp(Norm(Elements(range).Select(i => values[i])) / Norm(direction.Values), 0.01, 1.5);
            foreach (var i in Elements(range))
                values[i] -= Rate * ratio * direction[i];
        });
        Check(expected, found);
    }

    [Fact]
    public void Lars_FollowsAlgorithm1()
    {
        var found = Train(shard => new Lars(shard, new LarsOptions { LearningRate = 5, WeightDecay = Decay, TrustCoefficient = 0.01 }), out var shard);
        var momentum = new double[TwoTensors.Length];
        var expected = Reference(shard, (values, range, step, decay) =>
        {
            var gradients = Elements(range).ToDictionary(i => i, i => Gradient(i, step) * (double)GradientScale);
            var norm = Norm(Elements(range).Select(i => values[i]));
            var ratio = range.Parameter.Shape.Dims < 2 ? 1 : 0.01 * norm / (Norm(gradients.Values) + (decay * norm));
            foreach (var i in Elements(range))
            {
                momentum[i] = (0.9 * momentum[i]) + (5 * ratio * (gradients[i] + (decay * values[i])));
                values[i] -= momentum[i];
            }
        });
        Check(expected, found);
    }

    // Nothing to be in proportion to: the step is Adam's, and weights that start at zero can leave it.
    [Fact]
    public void Lamb_OfZeros_TakesTheRatioOne()
    {
        using var tensors = new TensorContext();
        var shard = new TwoTensors(tensors);
        shard.Values.Fill(0);
        new Lamb(shard, new LambOptions { LearningRate = Rate }).Step();
        var values = shard.Values.ToArray<float>();
        Assert.All(shard.Elements(), e => Assert.Equal(-Rate, values[e.Element], 1e-6));
    }

    [Theory]
    [InlineData(StateFormat.BF16, 0.02)]
    [InlineData(StateFormat.Blocks8, 0.1)]
    public void NarrowStates_FollowWideOnes(StateFormat format, double bound)
    {
        var wide = Train(shard => new Lamb(shard, new LambOptions { LearningRate = Rate }), out var shard);
        var narrow = Train(shard => new Lamb(shard, new LambOptions { LearningRate = Rate, StateFormat = format }), out _);
        Assert.NotEqual(wide, narrow);
        Assert.All(shard.Elements(), e => Assert.Equal(wide[e.Element], narrow[e.Element], bound));
    }

    private static float[] Train(Func<IFlatParameters, Optimizer> make, out TwoTensors shard)
    {
        using var tensors = new TensorContext();
        shard = new TwoTensors(tensors, tensors.Full([1], GradientScale).Keep());
        shard.Values.CopyFrom<float>([.. Enumerable.Range(0, TwoTensors.Length).Select(Start)]);
        var optimizer = make(shard);
        for (var step = 0; step < Steps; step++)
        {
            shard.Gradients.CopyFrom<float>([.. Enumerable.Range(0, TwoTensors.Length).Select(i => Gradient(i, step))]);
            optimizer.Step();
        }

        return shard.Values.ToArray<float>();
    }

    private static double[] Reference(TwoTensors shard, Action<double[], FlatRange, int, double> update)
    {
        var values = Enumerable.Range(0, TwoTensors.Length).Select(i => (double)Start(i)).ToArray();
        for (var step = 0; step < Steps; step++)
            foreach (var range in shard.Ranges)
                update(values, range, step, range.Parameter.Shape.Dims >= 2 ? Decay : 0);
        return values;
    }

    private static void Check(double[] expected, float[] found)
    {
        Assert.NotEqual(Start(0), found[0]);
        for (var i = 0; i < found.Length; i++)
            Assert.Equal(expected[i], found[i], Bound);
    }

    private static double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(x => x * x));

    private static IEnumerable<int> Elements(FlatRange range) => Enumerable.Range((int)range.Start, (int)range.Length);
}

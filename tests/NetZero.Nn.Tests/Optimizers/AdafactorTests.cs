using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>Adafactor against numbers of Hugging Face's, over a flat shard with a matrix and a vector.</summary>
public class AdafactorTests
{
    private const int Elements = 17;

    // transformers' optimization.Adafactor under PyTorch 1.13.1 on a CPU: ten steps of parameters [3, 4] and [5].
    private static readonly float[] WithDefaults =
    [
        -0.249160826f, 0.0624103434f, -0.190337926f, 0.126666263f, -0.126260534f, 0.191158682f, -0.0623618141f, 0.248327434f,
        0.00130118686f, -0.2502729f, 0.0598316975f, -0.186721012f, 0.123531707f, -0.127824426f, 0.188547984f, -0.0652967542f,
        0.25186497f,
    ];

    // lr=0.05, relative_step=False, scale_parameter=False, beta1=0.9, weight_decay=0.1, clip_threshold=0.5, decay_rate=-0.5.
    private static readonly float[] WithMomentum =
    [
        -0.225367904f, 0.050554961f, -0.189299256f, 0.122645967f, -0.138779134f, 0.211877167f, -0.0750598833f, 0.242608756f,
        0.00419769902f, -0.234616637f, 0.0426279865f, -0.166250139f, 0.0936896279f, -0.129396528f, 0.177514926f, -0.0941438749f,
        0.256104261f,
    ];

    private static readonly float[] Rows = [0.15180537104606628f, 0.1614604890346527f, 0.15272828936576843f];
    private static readonly float[] Columns = [0.15481670200824738f, 0.1583980768918991f, 0.15226134657859802f, 0.1558493673801422f];

    [Fact]
    public void TenSteps_AreHuggingFaces()
    {
        using var tensors = new TensorContext();
        var shard = new MatrixAndVector(tensors);
        var optimizer = new Adafactor(shard);
        Train(shard, optimizer, new RelativeStepSchedule(WarmsUp: false));
        Check(WithDefaults, shard.Values);

        // The matrix's means of rows, those of its columns, the vector's second moment, and padding to a block.
        var means = Assert.Single(optimizer.StateOf(shard)).ToArray<float>();
        Assert.Equal(256, means.Length);
        Check([.. Rows, .. Columns], means[..7]);
        Assert.All(means[12..], padding => Assert.Equal(0, padding));

        shard = new MatrixAndVector(tensors);
        var options = new AdafactorOptions
        {
            LearningRate = 0.05,
            ScaleParameter = false,
            Beta1 = 0.9,
            WeightDecay = 0.1,
            WeightDecayAll = true,
            ClipThreshold = 0.5,
            DecayRate = -0.5,
        };
        Train(shard, new Adafactor(shard, options), new ConstantSchedule());
        Check(WithMomentum, shard.Values);
    }

    // Rows that get no gradient, as those of an embedding whose tokens do not occur, stay where they are, and nothing is divided by zero.
    [Fact]
    public void GradientsOfZero_MoveNothing()
    {
        using var tensors = new TensorContext();
        var shard = new MatrixAndVector(tensors);
        var before = shard.Values.ToArray<float>();
        var optimizer = new Adafactor(shard, new AdafactorOptions { LearningRate = 0.01 });
        shard.Gradients.CopyFrom<float>([.. Enumerable.Range(0, Elements).Select(i => i is >= 4 and < 8 ? 1000f : 0)]);
        for (var step = 0; step < 3; step++)
            optimizer.Step();
        var after = shard.Values.ToArray<float>();
        for (var i = 0; i < Elements; i++)
            Assert.Equal(i is >= 4 and < 8, before[i] != after[i]);
        Assert.All(after, value => Assert.True(float.IsFinite(value)));
    }

    private static void Train(MatrixAndVector shard, Adafactor optimizer, LearningRateSchedule schedule)
    {
        var rate = optimizer.LearningRate;
        for (var t = 0; t < 10; t++)
        {
            shard.Gradients.CopyFrom<float>([.. Enumerable.Range(0, Elements).Select(i => ((((i * 7) + (t * 3)) % 11) - 5) / 8f)]);
            optimizer.LearningRate = schedule.At(t, rate);
            optimizer.Step();
        }
    }

    private static void Check(float[] expected, Tensor found) => Check(expected, found.ToArray<float>());

    // Both compute in fp32, ten steps of a handful of roundings of numbers below 1.
    private static void Check(float[] expected, float[] found)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], 10 * 8 * Math.Pow(2, -24));
    }

    private sealed class MatrixAndVector : FlatShard, IFlatParameters
    {
        public MatrixAndVector(TensorContext tensors)
        {
            Ranges =
            [
                new FlatRange("weight", new Parameter("weight", [3, 4], Initializer.Zeros), ParameterStart: 0, Start: 0, Length: 12),
                new FlatRange("bias", new Parameter("bias", [5], Initializer.Zeros), ParameterStart: 0, Start: 12, Length: 5),
            ];
            Values = tensors.From<float>([.. Enumerable.Range(0, Elements).Select(i => ((i * 5 % 9) - 4) / 16f)], [Elements]).Keep();
            Gradients = tensors.Full([Elements], 0).Keep();
        }

        public override string Name => "unit";

        public override Tensor Values { get; }

        public override Tensor Gradients { get; }

        public override IReadOnlyList<FlatRange> Ranges { get; }

        public IReadOnlyList<FlatShard> Shards => [this];

        public IEnumerable<string> Names => ["weight", "bias"];

        public void Update(Action<FlatShard, Tensor?> update) => update(this, null);

        public void Rewrite(Action<FlatShard> change) => change(this);

        public void SumOverRanks(string label, DeviceNumbers numbers)
        {
        }

        public void Gather(string label, Tensor own, Tensor whole)
        {
        }

        public void SumSlices(string label, Tensor whole, Tensor own)
        {
        }
    }
}

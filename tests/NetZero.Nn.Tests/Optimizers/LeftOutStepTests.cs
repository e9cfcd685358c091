using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>A step whose gradients overflowed is left out by the kernels themselves, and taken back on the host.</summary>
public class LeftOutStepTests
{
    private static readonly Func<IFlatParameters, StateFormat, Optimizer>[] Optimizers =
    [
        (parameters, format) => new AdamW(parameters, new AdamWOptions { StateFormat = format }),
        (parameters, format) => new Sgd(parameters, new SgdOptions { Momentum = 0.9, StateFormat = format }),
        (parameters, format) => new Lion(parameters, new LionOptions { StateFormat = format }),
        (parameters, format) => new Lamb(parameters, new LambOptions { StateFormat = format }),
        (parameters, format) => new Lars(parameters, new LarsOptions { StateFormat = format }),
        (parameters, format) => new AdamW(parameters, new AdamWOptions { StateFormat = format, AverageDecay = 0.4 }),
        (parameters, format) => new Muon(parameters, new MuonOptions { StateFormat = format, AverageDecay = 0.4, AdamWParameters = [] }),
        (parameters, format) => new Adafactor(parameters, new AdafactorOptions { StateFormat = format, Beta1 = 0.9, LearningRate = 0.1 }),
        (parameters, format) => new Adafactor(parameters, new AdafactorOptions { AverageDecay = 0.4, LearningRate = 0.1 }),
    ];

    [Theory]
    [InlineData(StateFormat.F32)]
    [InlineData(StateFormat.BF16)]
    [InlineData(StateFormat.Blocks8)]
    public void LeftOutStep_ChangesNoBit_AndWhatFollowsIsAsIfItHadNotBeen(StateFormat format)
    {
        foreach (var make in Optimizers)
        {
            var expected = Train(make, format, leavesOut: []);
            Assert.Equal(expected, Train(make, format, leavesOut: [0]));
            Assert.Equal(expected, Train(make, format, leavesOut: [1, 2]));
        }
    }

    [Fact]
    public void TakeBack_WithoutAStep_IsRefused()
    {
        using var tensors = new TensorContext();
        var shard = new OneTensor(tensors, 0, 256);
        var optimizer = new Sgd(shard);
        Assert.Throws<InvalidOperationException>(optimizer.TakeBack);
        optimizer.Step();
        optimizer.TakeBack();
        Assert.Equal(0, optimizer.Steps);
        Assert.Throws<InvalidOperationException>(optimizer.TakeBack);
    }

    // Three steps that count, with others between them before the given ones; values and states behind them.
    private static float[] Train(Func<IFlatParameters, StateFormat, Optimizer> make, StateFormat format, int[] leavesOut)
    {
        using var tensors = new TensorContext();
        var factor = tensors.Full([2], 0).Keep();
        var shard = new Scaled(tensors, factor);
        var optimizer = make(shard, format);
        shard.Values.CopyFrom<float>([.. Enumerable.Range(0, 256).Select(i => (i % 17) - 8f)]);
        for (var step = 0; step < 3; step++)
        {
            if (leavesOut.Contains(step))
            {
                factor.CopyFrom<float>([1, 1]);
                shard.Gradients.Fill(float.PositiveInfinity);
                optimizer.Step();
                optimizer.TakeBack();
            }

            factor.CopyFrom<float>([0.5f, 0]);
            shard.Gradients.CopyFrom<float>([.. Enumerable.Range(0, 256).Select(i => ((i * (step + 1)) % 13) - 6f)]);
            optimizer.Step();
        }

        Assert.Equal(3, optimizer.Steps);
        return [.. shard.Values.ToArray<float>(), .. optimizer.StateOf(shard).SelectMany(state => state.Cast(DType.F32).ToArray<float>())];
    }

    private sealed class Scaled(TensorContext tensors, Tensor factor) : FlatShard, IFlatParameters
    {
        public override string Name => "unit";

        public override Tensor Values { get; } = tensors.Full([256], 0).Keep();

        public override Tensor Gradients { get; } = tensors.Full([256], 0).Keep();

        public override IReadOnlyList<FlatRange> Ranges { get; } = [new FlatRange("weight", new Parameter("weight", [4, 64], Initializer.Zeros), 0, 0, 256)];

        public IReadOnlyList<FlatShard> Shards => [this];

        public IEnumerable<string> Names => ["weight"];

        public void Update(Action<FlatShard, Tensor?> update) => update(this, factor);

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

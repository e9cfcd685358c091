using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>A step that overflows on one rank is left out on the devices of all: no bit of a value, a moment or an average changes.</summary>
public class LeftOutStepTests
{
    private const int RankCount = 3;

    // The first step, in which states are made, and one among others.
    private static readonly int[] Overflowing = [0, 2];

    private static readonly Dictionary<string, Func<IFlatParameters, Optimizer>> Optimizers = new()
    {
        ["AdamW"] = parameters => new AdamW(parameters, new AdamWOptions { LearningRate = 0.01, AverageDecay = 0.4 }),
        ["LAMB"] = parameters => new Lamb(parameters, new LambOptions { LearningRate = 0.01, AverageDecay = 0.4 }),
        ["Muon"] = parameters => new Muon(parameters, new MuonOptions { LearningRate = 0.01, AverageDecay = 0.4, AdamWParameters = ["head.*"] }),
        ["Adafactor"] = parameters => new Adafactor(parameters, new AdafactorOptions { LearningRate = 0.01, AverageDecay = 0.4, Beta1 = 0.9 }),
    };

    public static TheoryData<string, int, bool> Cases
    {
        get
        {
            var data = new TheoryData<string, int, bool>();
            foreach (var optimizer in Optimizers.Keys)
                for (var stage = 0; stage <= 3; stage++)
                    foreach (var delayed in (bool[])[false, true])
                        data.Add(optimizer, stage, delayed);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void OverflowInHalfPrecision_LeavesValuesAverageAndMoments_OnEveryRank(string optimizer, int stage, bool delayed)
    {
        var options = Ranks.Options with { Tensors = new TensorContextOptions { Device = delayed ? new DelayedDevice(new DelayedTiming(stage)) : Device.Cpu } };
        Ranks.Run(RankCount, rank =>
        {
            var model = new ToyModel(2);
            var sharding = new ShardingOptions { MixedPrecision = MixedPrecisionPolicy.Half, LossScaler = new LossScalerOptions { InitialScalePower = 8 } };
            var module = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), sharding);
            var updates = Optimizers[optimizer](module);
            updates.Prepare();
            var taken = 0;
            for (var step = 0; step < 4; step++)
            {
                var overflows = Overflowing.Contains(step);
                var before = Bits(module, updates);
                using (var open = module.BeginStep())
                {
                    var x = MixedPrecisionTests.Inputs(rank).Cast(DType.F16);
                    var loss = model.Loss(x, rank.Tensors.From<int>([step % 3, 1], [2]));
                    open.Backward(overflows && rank.Rank == 1 ? loss * float.PositiveInfinity : loss);
                    var norm = module.ClipGradientNorm(0.5);
                    updates.Step();
                    if (module.AcceptGradients(norm.Item()))
                        taken++;
                    else
                        updates.TakeBack();
                }

                var after = Bits(module, updates);
                Assert.All(after.SelectMany(tensor => tensor.Bits), bits => Assert.True(float.IsFinite(BitConverter.Int32BitsToSingle(bits))));
                int[] values = [];
                foreach (var (was, now) in before.Zip(after))
                {
                    if (now.Name == "values")
                        values = now.Bits;

                    // An average begins at the values, when its shard is updated first.
                    if (overflows)
                        Assert.Equal(taken == 0 && now.Name == "ema" ? values : was.Bits, now.Bits);
                    else if (optimizer != "Adafactor" || now.Name != "exp_avg_sq" || stage == 0 || rank.Rank == 0)
                        Assert.NotEqual(was.Bits, now.Bits);

                    // Of a unit, means are fewer than a block here: the first rank keeps them.
                    else
                        Assert.All(now.Bits, bits => Assert.Equal(0, bits));
                }
            }

            Assert.Equal((2, 2L), (taken, updates.Steps));
        }, options);
    }

    // Values and states of each shard that has elements of parameters.
    private static (string Name, int[] Bits)[] Bits(ShardedModule module, Optimizer optimizer) =>
    [
        .. module.Shards.Where(shard => shard.Ranges.Count > 0).SelectMany(shard => optimizer.StateOf(shard).Zip(optimizer.States, (state, kind) => (kind.Name, state)).Prepend(("values", shard.Values)))
            .Select(tensor => (tensor.Item1, Array.ConvertAll(tensor.Item2.ToArray<float>(), BitConverter.SingleToInt32Bits))),
    ];
}

using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Testing;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>A step is enqueued without asking the device for anything; what it found is read once, at its end.</summary>
public class HostReadsTests
{
    private const int Steps = 4;

    private static readonly Gpt2Config Model = new() { LayerCount = 1, HeadCount = 2, EmbeddingSize = 8, PositionCount = 8, VocabularySize = 11, Dropout = 0.1f };

    private static readonly Dictionary<string, Func<IFlatParameters, Optimizer>> Optimizers = new()
    {
        ["AdamW"] = parameters => new AdamW(parameters, new AdamWOptions { StateFormat = StateFormat.Blocks8 }),
        ["SGD"] = parameters => new Sgd(parameters, new SgdOptions { Momentum = 0.9 }),
        ["Lion"] = parameters => new Lion(parameters),
        ["LAMB"] = parameters => new Lamb(parameters),
        ["LARS"] = parameters => new Lars(parameters),
        ["Adafactor"] = parameters => new Adafactor(parameters, new AdafactorOptions { Beta1 = 0.9, LearningRate = 0.01 }),
        ["Muon with averages"] = parameters => new Muon(parameters, new MuonOptions { AverageDecay = 0.9, AdamWParameters = ["wte.*", "wpe.*"] }),
    };

    private static readonly Dictionary<string, (MixedPrecisionPolicy Policy, LossScalerOptions? Scaler)> Precisions = new()
    {
        ["fp32"] = (MixedPrecisionPolicy.Single, null),
        ["bf16"] = (MixedPrecisionPolicy.BFloat16, null),
        ["fp16"] = (MixedPrecisionPolicy.Half, new LossScalerOptions { InitialScalePower = 8, LossScaleWindow = 2 }),
        // Overflows in every one of these steps.
        ["fp16, overflowing"] = (MixedPrecisionPolicy.Half, new LossScalerOptions { InitialScalePower = 100 }),
    };

    public static TheoryData<int, string> Cases
    {
        get
        {
            var data = new TheoryData<int, string>();
            foreach (var stage in (int[])[0, 1, 2, 3])
                foreach (var precision in Precisions.Keys)
                    data.Add(stage, precision);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void SteadyStep_WithAnyClippingAndOptimizer_ReadsTheDeviceOnce(int stage, string precision)
    {
        var (policy, scaler) = Precisions[precision];
        TrainingLoopOptions[] clippings =
        [
            new(), new() { GradientClipping = 0.5 }, new() { GradientClipping = 0.5, GradientClippingNorm = NormKind.Infinity }, new() { GradientClippingValue = 0.1 },
        ];
        foreach (var (name, optimizer) in Optimizers)
            foreach (var clipping in clippings)
                Ranks.Run(2, rank =>
                {
                    var options = new ShardingOptions { GradientAccumulationSteps = 2, MixedPrecision = policy, LossScaler = scaler };
                    var module = FullyShard.Apply(new Gpt2(Model), rank, ShardingPolicy.ForStage(stage), options);
                    var updates = optimizer(module);
                    var loop = new TrainingLoop(module, updates, new Letters(), clipping);
                    var taken = 0;
                    for (var step = 0; step < Steps; step++)
                    {
                        var before = rank.Tensors.HostReads;
                        var found = loop.Step(step);
                        taken += found.Skipped ? 0 : 1;
                        Assert.True(rank.Tensors.HostReads - before == 1, $"{name} read the device {rank.Tensors.HostReads - before} times in step {step}");
                        Assert.InRange(found.Loss, 1, 4);
                    }

                    Assert.Equal(taken, updates.Steps);
                    Assert.Equal(precision == "fp16, overflowing" ? 0 : Steps, taken);
                });
    }

    [Fact]
    public void Evaluation_ReadsTheDeviceOnce_HoweverManyBatchesItHas() => Ranks.Run(2, rank =>
    {
        var module = FullyShard.Apply(new Gpt2(Model), rank, ShardingPolicy.Zero3);
        var optimizer = new AdamW(module, new AdamWOptions { AverageDecay = 0.9 });
        var loop = new TrainingLoop(module, optimizer, new Letters(), new TrainingLoopOptions { EvaluateAverages = true });
        loop.Step(0);
        var before = rank.Tensors.HostReads;
        Assert.InRange(loop.Evaluate(new Letters(), samples: 13), 1, 4);
        Assert.Equal(1, rank.Tensors.HostReads - before);
    });
}

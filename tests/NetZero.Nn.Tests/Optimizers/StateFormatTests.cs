using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>Moments in 16 and 8 bits: the bytes they take, the numbers they give, and that a shard's cut does not show.</summary>
public class StateFormatTests
{
    private const int Elements = 3 * FlatState.BlockElements;
    private const int Steps = 100;

    private static float Gradient(int element, int step)
    {
        // SplitMix64's finalizer: sizes over seven decades, both signs.
        var hash = ((ulong)step << 32) + (ulong)element + 1;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
        hash ^= hash >> 31;
        return (float)(((hash >> 11) * Math.Pow(2, -53)) - 0.5) * MathF.Pow(10, -element % 7);
    }

    // Elements [from, to) of a parameter of three blocks, trained on their own.
    private static (float[] Values, long StateBytes) Train(Func<IFlatParameters, Optimizer> make, int from = 0, int to = Elements)
    {
        using var tensors = new TensorContext();
        var shard = new OneTensor(tensors, from, to);
        shard.Values.CopyFrom<float>(Enumerable.Range(from, to - from).Select(i => Gradient(i, 12345)).ToArray());
        var optimizer = make(shard);
        for (var step = 0; step < Steps; step++)
        {
            shard.Gradients.CopyFrom<float>(Enumerable.Range(from, to - from).Select(i => Gradient(i, step)).ToArray());
            optimizer.Step();
        }

        return (shard.Values.ToArray<float>(), tensors.Ledger.Live(MemoryKind.Optimizer));
    }

    public static TheoryData<string, StateFormat> Cases
    {
        get
        {
            var data = new TheoryData<string, StateFormat>();
            foreach (var name in new[] { "AdamW", "SGD", "Lion" })
                foreach (var format in Enum.GetValues<StateFormat>())
                    data.Add(name, format);
            return data;
        }
    }

    private static Func<IFlatParameters, Optimizer> Make(string name, StateFormat format) => name switch
    {
        "AdamW" => p => new AdamW(p, new AdamWOptions { LearningRate = 1e-3, WeightDecay = 0.1, StateFormat = format }),
        "SGD" => p => new Sgd(p, new SgdOptions { LearningRate = 1e-3, Momentum = 0.9, StateFormat = format }),
        _ => p => new Lion(p, new LionOptions { LearningRate = 1e-3, WeightDecay = 0.1, StateFormat = format }),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void AfterHundredSteps_EveryElementIsThatOfPlainCode_WithTheSameOrderOfOperations(string name, StateFormat format)
    {
        var (found, bytes) = Train(Make(name, format));
        var moments = name == "AdamW" ? 2 : 1;

        // The ledger counts in units of 64 bytes: those hold the scales of the three blocks.
        var each = format switch { StateFormat.F32 => 4 * Elements, StateFormat.BF16 => 2 * Elements, _ => Elements + 64 };
        Assert.Equal(moments * each, bytes);

        var expected = PlainOptimizer.Train(name, format, Elements, Steps, i => Gradient(i, 12345), Gradient);
        Assert.Equal(expected, found);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void AShardThatIsCutAtABlock_GivesTheSameBits(string name, StateFormat format)
    {
        var whole = Train(Make(name, format)).Values;
        var parts = new[] { (0, 256), (256, 768) }.SelectMany(part => Train(Make(name, format), part.Item1, part.Item2).Values);
        Assert.Equal(whole, parts);
    }
}

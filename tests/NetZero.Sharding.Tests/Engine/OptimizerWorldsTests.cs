using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>
/// A hundred steps of every optimizer over shards, beside the same optimizer over whole units that is given the same gradients: what a
/// world is cut into changes no bit, or as much as is said.
/// </summary>
/// <remarks>
/// Units that no world divides, a head that is the embedding, ranks whose slices are empty, and frozen parameters in the world of three.
/// What one whole unit becomes is tested against plain code elsewhere.
/// </remarks>
public class OptimizerWorldsTests
{
    private const int Steps = 100;

    private static readonly Gpt2Config Model = new()
    {
        LayerCount = 1,
        HeadCount = 2,
        EmbeddingSize = 20,
        PositionCount = 8,
        VocabularySize = 23,
    };

    private static readonly string[] Embeddings = ["wte.*", "wpe.*"];

    private static readonly Dictionary<string, Func<IFlatParameters, Optimizer>> Optimizers = new()
    {
        ["AdamW"] = p => new AdamW(p, new AdamWOptions { LearningRate = 0.01, WeightDecay = 0.1, AverageDecay = 0.9 }),
        ["AdamW, bf16"] = p => new AdamW(p, new AdamWOptions { LearningRate = 0.01, StateFormat = StateFormat.BF16 }),
        ["AdamW, int8"] = p => new AdamW(p, new AdamWOptions { LearningRate = 0.01, WeightDecay = 0.1, StateFormat = StateFormat.Blocks8 }),
        ["SGD"] = p => new Sgd(p, new SgdOptions
        {
            LearningRate = 0.05,
            Momentum = 0.9,
            Groups = [new ParameterGroup("**.bias") { LearningRate = 0.01 }],
        }),
        ["SGD, int8"] = p => new Sgd(p, new SgdOptions { LearningRate = 0.05, Momentum = 0.9, StateFormat = StateFormat.Blocks8 }),
        ["Lion"] = p => new Lion(p, new LionOptions { LearningRate = 0.001, WeightDecay = 0.1 }),
        ["Lion, int8"] = p => new Lion(p, new LionOptions { LearningRate = 0.001, StateFormat = StateFormat.Blocks8 }),
        ["Muon"] = p => new Muon(p, new MuonOptions { LearningRate = 0.01, AdamWParameters = Embeddings }),
        ["LAMB"] = p => new Lamb(p, new LambOptions { LearningRate = 0.01, WeightDecay = 0.01 }),
        ["LARS"] = p => new Lars(p, new LarsOptions { LearningRate = 1, TrustCoefficient = 0.01, WeightDecay = 0.01 }),
    };

    public static TheoryData<string, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var optimizer in Optimizers.Keys)
                for (var ranks = 1; ranks <= 5; ranks++)
                    data.Add(optimizer, ranks);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void HundredSteps_AreThoseOfWholeUnits_FromTheSameGradients(string optimizer, int ranks) => Ranks.Run(ranks, rank =>
    {
        var stage = (ranks + optimizer.Length) % 4;
        string[] frozen = ranks == 3 ? ["h.0.attn.c_attn.*"] : [];
        var module = FullyShard.Apply(new Gpt2(Model), rank, ShardingPolicy.ForStage(stage), new ShardingOptions { Frozen = frozen });
        var updates = Optimizers[optimizer](module);
        var whole = new WholeUnits(module);
        var reference = Optimizers[optimizer](whole);
        var before = whole.Units.SelectMany(unit => unit.Values.ToArray<float>()).ToArray();
        for (var t = 0; t < Steps; t++)
        {
            using var step = module.BeginStep();
            step.Backward(Loss((Gpt2)module.Module, rank, t));
            whole.TakeGradients(module);
            reference.Step();
            updates.Step();
        }

        Assert.NotEqual(before, whole.Units.SelectMany(unit => unit.Values.ToArray<float>()));
        foreach (var shard in module.Shards)
        {
            var expected = whole.Units.Single(unit => unit.Name == shard.Name).Values.ToArray<float>();
            var found = shard.Values.ToArray<float>();
            foreach (var range in shard.Ranges)
                for (var i = range.Start; i < range.Start + range.Length; i++)
                    Assert.Equal(expected[shard.Unit.ShardStart + i], found[i], Bound(optimizer, expected[shard.Unit.ShardStart + i]));
        }
    });

    // Norms are sums of doubles in another order, and the rate that they make is rounded once: each step differs by a rounding of itself,
    // and of the value that it moves.
    private static double Bound(string optimizer, float value) =>
        optimizer is "LAMB" or "LARS" ? Steps * Math.Pow(2, -24) * (0.1 + Math.Abs(value)) : 0;

    private static Tensor Loss(Gpt2 model, RankContext rank, int step)
    {
        int[] tokens = [.. Enumerable.Range(0, 8).Select(i => ((step * 7) + (rank.Rank * 3) + (i * i)) % Model.VocabularySize)];
        int[] targets = [.. tokens.Select(t => (t + 1) % Model.VocabularySize)];
        return model.Loss(rank.Tensors.From<int>(tokens, [1, 8]), rank.Tensors.From<int>(targets, [1, 8]));
    }

    /// <summary>The units that a module trains, whole, in memory of their own.</summary>
    private sealed class WholeUnits : IFlatParameters
    {
        public WholeUnits(ShardedModule module)
        {
            var trained = module.Shards.Select(shard => shard.Name).ToHashSet();
            var layouts = module.Units.Where(layout => trained.Contains(layout.Name));
            Units = [.. layouts.Select(layout => new WholeUnit(layout, module.Tensors))];
            Names = [.. Units.SelectMany(unit => unit.ParameterNames)];
            Fill(unit => unit.Values, visit => module.VisitParameters(visit, everyRank: true));
        }

        public IReadOnlyList<WholeUnit> Units { get; }

        public IReadOnlyList<FlatShard> Shards => Units;

        public IEnumerable<string> Names { get; }

        /// <summary>Takes the gradients that the ranks have together.</summary>
        public void TakeGradients(ShardedModule module) => Fill(unit => unit.Gradients, visit =>
        {
            foreach (var name in Names)
            {
                using var held = module.GatherGradient(name);
                visit(name, held.Value);
            }
        });

        public void Update(Action<FlatShard, Tensor?> update)
        {
            foreach (var unit in Units)
                update(unit, null);
        }

        public void Rewrite(Action<FlatShard> change)
        {
            foreach (var unit in Units)
                change(unit);
        }

        public void SumOverRanks(string label, DeviceNumbers numbers)
        {
        }

        public void Gather(string label, Tensor own, Tensor whole)
        {
        }

        public void SumSlices(string label, Tensor whole, Tensor own)
        {
        }

        private void Fill(Func<WholeUnit, Tensor> target, Action<Action<string, Tensor>> visit)
        {
            var found = new Dictionary<string, float[]>();
            visit((name, value) => found[name] = value.ToArray<float>());
            foreach (var unit in Units)
            {
                var all = new float[unit.Values.Elements];
                foreach (var range in unit.Ranges)
                    found[range.ParameterName].CopyTo(all, range.Start);
                target(unit).CopyFrom<float>(all);
            }
        }
    }

    private sealed class WholeUnit(UnitLayout layout, TensorContext tensors) : FlatShard
    {
        public override string Name => layout.Name;

        public override Tensor Values { get; } = tensors.Full([layout.PaddedElements], 0).Keep();

        public override Tensor Gradients { get; } = tensors.Full([layout.PaddedElements], 0).Keep();

        public override IReadOnlyList<FlatRange> Ranges { get; } = layout.Ranges(0, layout.PaddedElements);
    }
}

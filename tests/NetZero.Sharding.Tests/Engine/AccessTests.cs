using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Whole parameters and gradients by name, own shards, and units unsharded by hand.</summary>
public class AccessTests
{
    public static TheoryData<int, int> Worlds
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var ranks in (int[])[1, 3, 5, 7, 8, 9])
                for (var stage = 0; stage <= 3; stage++)
                    data.Add(ranks, stage);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Gathered_IsWhatOneRankHas_AndItsMemoryGoes(int ranks, int stage)
    {
        // Each rank sees the same rows, so that the mean over ranks is the gradient of one.
        var alone = See(1, 0)[0];
        foreach (var found in See(ranks, stage))
            foreach (var (name, seen) in alone)
            {
                Assert.Equal(seen.Value, found[name].Value);

                // The tree's sum of up to nine equal terms rounds at most twice (3 and 7 terms), 1/n and the multiplication by it once each: four roundings.
                for (var i = 0; i < seen.Gradient.Length; i++)
                    Assert.Equal(seen.Gradient[i], found[name].Gradient[i], 4 * Math.Pow(2, -24) * Math.Abs(seen.Gradient[i]));
                Assert.Contains(seen.Gradient, g => g != 0);
            }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void OwnShards_TogetherAreTheWhole(int ranks, int stage)
    {
        var parts = Ranks.Run(ranks, rank =>
        {
            var sharded = FullyShard.Apply(new ToyModel(), rank, ShardingPolicy.ForStage(stage));
            var own = Names(sharded).ToDictionary(name => name, name => sharded.OwnShard(name) is var s ? (s.Start, Values: s.Values.ToArray<float>()) : default);
            var whole = new Dictionary<string, float[]>();
            sharded.VisitParameters((name, value) => whole[name] = value.ToArray<float>(), everyRank: true);
            return (own, whole);
        });
        foreach (var (name, values) in parts[0].whole)
        {
            var joined = parts.Select(p => p.own[name]).Where(p => p.Values.Length > 0).OrderBy(p => p.Start).ToList();
            Assert.Equal(values, joined.SelectMany(p => p.Values));
            Assert.Equal(joined.Select(p => p.Start), joined.Select((_, i) => (long)joined.Take(i).Sum(p => p.Values.Length)));
        }
    }

    [Fact]
    public void Unshard_HoldsABlock_UntilTheLastHolderLetsGo_AndTrainingGoesOn()
    {
        Ranks.Run(2, rank =>
        {
            var model = new ToyModel();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
            var ledger = rank.Tensors.Ledger;
            var unit = sharded.Units.First(u => u.Name == "blocks.1");
            rank.Group.Recorder.Clear();
            var held = sharded.Unshard("blocks.1");
            Assert.Equal(unit.PaddedBytes, ledger.Live(MemoryKind.Gathered));
            Assert.Equal(15 * 17, model.Blocks[1].Up.Weight.Value.ToArray<float>().Length);
            using (var up = sharded.GatherParameter("blocks.1.up.weight"))
                held.Dispose();
            Assert.Equal(0, ledger.Live(MemoryKind.Gathered));
            held.Dispose();
            Assert.Equal(1, rank.Group.Recorder.Calls.Count(c => c.Operation == CollectiveOperation.AllGather));

            using (sharded.Unshard("root"))
            {
                Assert.StartsWith("BeginStep while unit 'root' is unsharded by hand", Assert.Throws<InvalidOperationException>(() => sharded.BeginStep()).Message, StringComparison.Ordinal);
                Assert.StartsWith("BeginEvaluation while unit 'root'", Assert.Throws<InvalidOperationException>(() => sharded.BeginEvaluation()).Message, StringComparison.Ordinal);
            }

            var optimizer = new AdamW(sharded);
            using var step = sharded.BeginStep();
            step.Backward(Loss(model, rank));
            var gradient = sharded.GatherGradient("head.bias");
            gradient.Dispose();
            Assert.Contains("'head.bias (whole gradient)'", Assert.Throws<TensorFreedException>(() => gradient.Value.ToArray<float>()).Message, StringComparison.Ordinal);
            using (sharded.GatherParameter("head.bias"))
                Assert.StartsWith("The optimizer steps while unit 'root'", Assert.Throws<InvalidOperationException>(optimizer.Step).Message, StringComparison.Ordinal);
            optimizer.Step();
        });
    }

    [Fact]
    public void WhatIsNotThere_IsNamed()
    {
        Ranks.Run(2, rank =>
        {
            var model = new ToyModel();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3, new ShardingOptions { Frozen = ["head.bias"] });
            string Problem(Action action) => Assert.ThrowsAny<Exception>(action).Message;
            Assert.StartsWith("The model has no parameter 'head.wieght'; parameters are named 'head.weight'", Problem(() => sharded.GatherParameter("head.wieght")), StringComparison.Ordinal);
            Assert.StartsWith("The model has no block 'blocks.7'; blocks are named 'root', 'blocks.0', 'blocks.1'", Problem(() => sharded.Unshard("blocks.7")), StringComparison.Ordinal);
            Assert.StartsWith("GatherGradient needs complete gradients", Problem(() => sharded.GatherGradient("head.weight")), StringComparison.Ordinal);
            using var step = sharded.BeginStep();
            Assert.StartsWith("GatherParameter while a forward or backward is under way", Problem(() => sharded.GatherParameter("head.weight")), StringComparison.Ordinal);
            step.Backward(Loss(model, rank));
            Assert.StartsWith("Parameter 'head.bias' is frozen and has no gradient", Problem(() => sharded.GatherGradient("head.bias")), StringComparison.Ordinal);
        });
    }

    private static Dictionary<string, (float[] Value, float[] Gradient)>[] See(int ranks, int stage) => Ranks.Run(ranks, rank =>
    {
        var model = new ToyModel();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage));
        var seen = new Dictionary<string, (float[], float[])>();
        using var step = sharded.BeginStep();
        step.Backward(Loss(model, rank));
        var before = rank.Tensors.Ledger.LiveBytes;
        foreach (var name in Names(sharded))
        {
            using var value = sharded.GatherParameter(name);
            using var gradient = sharded.GatherGradient(name);
            seen[name] = (value.Value.ToArray<float>(), gradient.Value.ToArray<float>());
        }

        Assert.Equal(before, rank.Tensors.Ledger.LiveBytes);
        return seen;
    });

    private static string[] Names(ShardedModule sharded) => [.. sharded.Units.SelectMany(u => u.Placements).Select(p => p.Name)];

    private static Tensor Loss(ToyModel model, RankContext rank) =>
        model.Loss(rank.Tensors.From<float>([.. Enumerable.Range(0, 4 * 15).Select(i => MathF.Sin(i))], [4, 15]), rank.Tensors.From<int>([0, 1, 2, 0], [4]));
}

using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Clipping where parameters are frozen, shared, of sizes that nothing divides, or on a hybrid mesh: against the whole gradients of the same ranks unsharded, computed in double.</summary>
public class ClippingLayoutsTests
{
    private static readonly NormKind[] Kinds = [NormKind.One, NormKind.Two, NormKind.Infinity];

    private static readonly Dictionary<string, (Func<Module> Model, string[] Frozen)> Layouts = new()
    {
        ["frozen"] = (() => new ToyModel(), ["**.bias", "blocks.0.up.*"]),
        ["shared"] = (() => new PatchworkModel([new Patch(7), new Patch(0), new Patch(5, Runs: 2)], 9, interleaved: true), []),
        ["uneven"] = (() => new UnevenLinears(7, 15, 3), []),
        ["shared and frozen"] = (() => new PatchworkModel([new Patch(7), new Patch(3)], 9, interleaved: false), ["shared.bias", "b.1.0.**"]),
    };

    public static TheoryData<string, int, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int, int>();
            foreach (var layout in Layouts.Keys)
                foreach (var (ranks, shards) in (ReadOnlySpan<(int, int)>)[(1, 0), (2, 0), (3, 0), (5, 0), (7, 0), (9, 0), (4, 2), (6, 2), (6, 3), (8, 4)])
                    data.Add(layout, ranks, shards);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void NormsAndClippedSteps_AreThoseOfTheWholeGradients_WithTheSameBitsAtEveryStage(string layout, int ranks, int shards)
    {
        var whole = Step(layout, ranks, ShardingPolicy.DataParallel, _ => 0)[0];
        foreach (var kind in Kinds)
        {
            var norm = Length(kind, whole.Gradients.Values.SelectMany(g => g));
            Assert.True(norm > 1e-3, "the norm must be far above the roundings for the test to mean something");
            var limit = norm / 3;
            Outcome? first = null;
            foreach (var policy in Policies(ranks, shards))
            {
                foreach (var found in Step(layout, ranks, policy, module => module.ClipGradientNorm(limit, kind).Item()))
                {
                    // The double sum of n terms in another order, from gradients that on meshes of other sizes are another order of fp32 sums over the ranks.
                    Assert.Equal(norm, found.Norm, norm * ranks * Math.Pow(2, -23));
                    AssertStep(whole, found, g => g * (limit / (norm + 1e-6)), ranks);
                    first ??= found;
                    Assert.Equal(first.Norm, found.Norm);
                    foreach (var (name, values) in first.After)
                        Assert.Equal(values, found.After[name]);
                    if (ranks == 1)
                        continue;

                    // One number over each axis of the mesh.
                    Assert.Equal(shards > 0 ? [("shard", 1L), ("replicate", 1L)] : [("world", 1L)], found.Scalars.Select(call => (call.Group, call.Elements)));
                    Assert.All(found.Scalars, call => Assert.Equal(CollectiveOperation.AllReduceScalars, call.Operation));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ValuesClipped_AreThoseOfTheWholeGradients_WithTheSameBitsAtEveryStage(string layout, int ranks, int shards)
    {
        var whole = Step(layout, ranks, ShardingPolicy.DataParallel, _ => 0)[0];
        var limit = Length(NormKind.Infinity, whole.Gradients.Values.SelectMany(g => g)) / 3;
        Outcome? first = null;
        foreach (var policy in Policies(ranks, shards))
        {
            foreach (var found in Step(layout, ranks, policy, module =>
            {
                module.ClipGradientValue(limit);
                return 0;
            }))
            {
                AssertStep(whole, found, g => Math.Clamp(g, -limit, limit), ranks);
                Assert.Empty(found.Scalars);
                first ??= found;
                foreach (var (name, values) in first.After)
                    Assert.Equal(values, found.After[name]);
            }
        }
    }

    // A step of rate 1 subtracts the clipped gradient: the subtraction, the factor and its product are rounded, gradients below 2 are sums of `ranks` terms in another order.
    private static void AssertStep(Outcome whole, Outcome found, Func<double, double> clipped, int ranks)
    {
        foreach (var (name, before) in whole.Before)
        {
            var gradient = whole.Gradients.GetValueOrDefault(name);
            for (var i = 0; i < before.Length; i++)
                Assert.Equal(gradient is null ? before[i] : before[i] - clipped(gradient[i]), found.After[name][i], gradient is null ? 0 : (ranks + 4) * Math.Pow(2, -23));
        }
    }

    private static IEnumerable<ShardingPolicy> Policies(int ranks, int shards)
    {
        for (var stage = shards > 0 ? 1 : 0; stage <= 3; stage++)
            yield return new ShardingPolicy { Stage = stage, ShardGroupSize = shards };
        yield return new ShardingPolicy { Stage = 1, ShardGroupSize = shards, BucketElements = 1_000_000 };
        if (ranks > 1)
            yield return new ShardingPolicy { ShardGroupSize = shards, ReshardAfterForward = ReshardAfterForward.No, Prefetch = new PrefetchDepth(2, 1) };
    }

    private static double Length(NormKind kind, IEnumerable<float> values) => kind switch
    {
        NormKind.One => values.Sum(v => Math.Abs((double)v)),
        NormKind.Two => Math.Sqrt(values.Sum(v => (double)v * v)),
        _ => values.Max(v => Math.Abs((double)v)),
    };

    private static Outcome[] Step(string layout, int ranks, ShardingPolicy policy, Func<ShardedModule, double> clip) => Ranks.Run(ranks, rank =>
    {
        var (make, frozen) = Layouts[layout];
        var model = make();
        var toy = (IToy)model;
        var sharded = FullyShard.Apply(model, rank, policy, new ShardingOptions { Frozen = frozen });
        var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 1 });
        var before = Weights(sharded);
        var gradients = new Dictionary<string, float[]>();
        double norm;
        RecordedCall[] scalars;
        using (var step = sharded.BeginStep())
        {
            var x = Enumerable.Range(0, 2 * toy.Features).Select(i => 3 * MathF.Sin((i * 1.7f) + rank.Rank)).ToArray();
            step.Backward(toy.Loss(rank.Tensors.From<float>(x, [2, toy.Features]), rank.Tensors.From<int>([rank.Rank % 3, 2], [2])));
            foreach (var name in sharded.Shards.SelectMany(s => s.Ranges).Select(r => r.ParameterName).Where(_ => policy.Stage == 0).Distinct())
                using (var gradient = sharded.GatherGradient(name))
                    gradients[name] = gradient.Value.ToArray<float>();
            rank.Group.Recorder.Clear();
            norm = clip(sharded);
            scalars = [.. rank.Group.Recorder.Calls];
            optimizer.Step();
        }

        return new Outcome(norm, gradients, before, Weights(sharded), scalars);
    });

    private static Dictionary<string, float[]> Weights(ShardedModule module)
    {
        var weights = new Dictionary<string, float[]>();
        module.VisitParameters((name, value) => weights[name] = value.ToArray<float>(), everyRank: true);
        return weights;
    }

    /// <param name="Norm">What clipping returned.</param>
    /// <param name="Gradients">Whole, before clipping, of what is trained; at stage 0.</param>
    /// <param name="Before">Weights before the step.</param>
    /// <param name="After">Weights after it.</param>
    /// <param name="Scalars">The calls that clipping made.</param>
    private sealed record Outcome(double Norm, Dictionary<string, float[]> Gradients, Dictionary<string, float[]> Before, Dictionary<string, float[]> After, RecordedCall[] Scalars);
}

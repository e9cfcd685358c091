using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Frozen parameters are gathered and used, and cost no gradient, no reduction, no optimizer state and no update.</summary>
public class FreezingTests
{
    private const double Rate = 1e-2;

    // A block as a whole, a part of the blocks, and a part of the root.
    private static readonly string[][] Choices = [["blocks.0.**"], ["**.bias"], ["blocks.*.up.weight", "head.bias"]];

    public static TheoryData<int, int> Worlds
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var ranks in (int[])[1, 2, 3, 4, 7, 8, 9])
                for (var stage = 0; stage <= 3; stage++)
                    data.Add(ranks, stage);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Frozen_TrainsTheOthersAsIfTheFrozenHadRateZero(int ranks, int stage)
    {
        foreach (var frozen in Choices)
        {
            var still = (Run(ranks, stage) with { Optimizer = parameters => AdamW(parameters, frozen) }).Run();
            var found = (Run(ranks, stage) with { Frozen = frozen }).Run();
            Assert.Equal(still.Losses, found.Losses);
            foreach (var (name, values) in still.After[0])
            {
                Assert.Equal(values, found.After[0][name]);
                Assert.Equal(frozen.Any(pattern => NamePattern.Matches(pattern, name)), values.SequenceEqual(found.Before[name]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Frozen_HasNoGradientStateOrReduction_AndIsGathered_AsPlanned(int ranks, int stage)
    {
        foreach (var frozen in Choices)
        {
            var run = Run(ranks, stage) with { Frozen = frozen };
            var found = run.Run();
            for (var rank = 0; rank < ranks; rank++)
            {
                var (planned, trace) = (run.Plan(rank), found.Traces[rank]);
                Assert.Equal(planned.PeakBytes, trace.PeakBytes);
                Assert.Equal(planned.TotalPeakBytes, trace.TotalPeakBytes);
                var (schedule, units) = (trace.Module.TrainingSchedule, trace.Module.Units);
                var training = Enumerable.Range(0, units.Count).Where(u => !schedule.IsFrozen(u)).ToList();
                Assert.Equal(training.Sum(u => units[u].Elements), units.SelectMany(u => u.Placements).Where(p => !frozen.Any(f => NamePattern.Matches(f, p.Name))).Sum(p => p.Parameter.Shape.Elements));

                // Two moments of what this rank updates, and at stage 0 and 1 whole gradients at the end of backward: of what is trained, and of nothing else.
                long Elements(int unit, bool sharded) => sharded ? units[unit].ShardElements : units[unit].PaddedElements;
                Assert.Equal(training.Sum(u => 8 * Elements(u, stage >= 1 && ranks > 1)), trace.LeftBytes[(int)MemoryKind.Optimizer]);
                if (stage <= 1 || ranks == 1)
                    Assert.Equal(training.Sum(u => 4 * units[u].PaddedElements), trace.PeakBytes[(int)MemoryKind.Gradient]);
                Assert.DoesNotContain(schedule.Events, e => schedule.IsFrozen(e.Unit)
                    && (e.Kind is ScheduleEventKind.ReduceScatter or ScheduleEventKind.AllReduce or ScheduleEventKind.Accumulate or ScheduleEventKind.Update));
                if (stage == 3 && ranks > 1)
                    Assert.All(Enumerable.Range(0, units.Count), u => Assert.Contains(schedule.Events, e => e.Unit == u && e.Kind == ScheduleEventKind.AllGather));
                var reduced = trace.Calls.Where(c => c.Operation is CollectiveOperation.ReduceScatter or CollectiveOperation.AllReduce).Select(c => c.Unit);
                Assert.Equal(ranks == 1 ? [] : training.Select(u => units[u].Name).Order(), reduced.Distinct().Order());
            }
        }
    }

    // FSDP2's bias-only fine-tuning: what is reduced are the biases' shards, of the blocks and of the head, and nothing else.
    [Theory]
    [InlineData(2, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    public void BiasesAlone_AreReduced_AndNothingElse(int ranks, int stage)
    {
        var found = (Run(ranks, stage) with { Frozen = ["**.weight"], Steps = 1 }).Run();
        foreach (var trace in found.Traces)
        {
            var biases = trace.Module.Units.Where(u => u.Placements.Any(p => p.Name.EndsWith(".bias", StringComparison.Ordinal))).ToList();
            Assert.Equal(3, biases.Count);
            Assert.All(biases, u => Assert.All(u.Placements, p => Assert.EndsWith(".bias", p.Name, StringComparison.Ordinal)));
            Assert.Equal((2 * (17 + 15)) + 3, biases.Sum(u => u.Elements));
            var reductions = trace.Calls.Where(c => c.Operation is CollectiveOperation.ReduceScatter or CollectiveOperation.AllReduce).ToList();
            Assert.Equal(biases.Select(u => (u.Name, u.PaddedElements)).Order(), reductions.Select(c => (c.Unit, c.Elements)).Order());
        }

        Assert.All(found.After[0], p => Assert.Equal(p.Key.EndsWith(".weight", StringComparison.Ordinal), p.Value.SequenceEqual(found.Before[p.Key])));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 1)]
    [InlineData(2, 3)]
    public void FreezingAndThawing_BetweenSteps_KeepsOrDropsTheState(int ranks, int stage)
    {
        Ranks.Run(ranks, rank =>
        {
            var model = new ToyModel();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), new ShardingOptions { Freezable = ["**.bias"] });
            var optimizer = AdamW(sharded, []);
            Step(sharded, optimizer, model, rank);
            var (all, state) = (rank.Tensors.Ledger.Live(MemoryKind.Optimizer), sharded.Shards.ToList());

            var frozen = sharded.Freeze("blocks.1.*.bias");
            Assert.Equal(state.Count - 1, sharded.Shards.Count);
            Assert.Equal(["blocks.1 [**.bias]"], frozen.Select(s => s.Name));
            var before = Weights(sharded);
            Step(sharded, optimizer, model, rank);
            var after = Weights(sharded);
            Assert.All(before, p => Assert.Equal(NamePattern.Matches("blocks.1.*.bias", p.Key), p.Value.SequenceEqual(after[p.Key])));
            Assert.Equal(all, rank.Tensors.Ledger.Live(MemoryKind.Optimizer));

            // Kept: the second update of these moments. Adam's first update is the rate in each element, later ones are not.
            Assert.Same(frozen[0], Assert.Single(sharded.Unfreeze("blocks.1.*.bias")));
            Step(sharded, optimizer, model, rank);
            Assert.False(MovedByTheRate(after, Weights(sharded)));

            optimizer.DropState(sharded.Freeze("blocks.1.*.bias"));
            Assert.True(rank.Tensors.Ledger.Live(MemoryKind.Optimizer) < all);
            Step(sharded, optimizer, model, rank);
            sharded.Unfreeze("blocks.1.*.bias");
            before = Weights(sharded);
            Step(sharded, optimizer, model, rank);
            Assert.True(MovedByTheRate(before, Weights(sharded)));
            Assert.Equal(all, rank.Tensors.Ledger.Live(MemoryKind.Optimizer));
        });
    }

    [Fact]
    public void WhatCannotBeFrozen_IsRefusedByName()
    {
        Ranks.Run(1, rank =>
        {
            var model = new ToyModel();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3, new ShardingOptions { Frozen = ["blocks.0.**"] });
            string Problem(Action action) => Assert.ThrowsAny<Exception>(action).Message;
            Assert.StartsWith(
                "The pattern 'blocks.1.up.*' matches 'blocks.1.up.weight' but not 'blocks.1.down.weight', and both lie in the flat unit 'blocks.1'", Problem(() => sharded.Freeze("blocks.1.up.*")),
                StringComparison.Ordinal);
            Assert.StartsWith("The freezing pattern 'h.*' matches no parameter of the model", Problem(() => sharded.Freeze("h.*")), StringComparison.Ordinal);
            Assert.StartsWith("All parameters are frozen", Problem(() => sharded.Freeze("**")), StringComparison.Ordinal);
            Assert.Empty(sharded.Freeze("blocks.0.**"));
            Assert.Equal(2, sharded.Shards.Count);
            using var step = sharded.BeginStep();
            Assert.StartsWith("A step or an evaluation is open", Problem(() => sharded.Unfreeze("blocks.0.**")), StringComparison.Ordinal);
        });
        Assert.StartsWith("All parameters are frozen", Refused(["**"]), StringComparison.Ordinal);
        Assert.StartsWith("The freezing pattern 'x' matches no parameter", Refused(["x"]), StringComparison.Ordinal);

        string Refused(string[] frozen) =>
            Assert.Throws<ArgumentException>(() => FullyShard.Validate(new ToyModel(), ShardingPolicy.Zero3, 2, new ShardingOptions { Frozen = frozen })).Message;
    }

    private static bool MovedByTheRate(Dictionary<string, float[]> before, Dictionary<string, float[]> after) =>
        before.Where(p => NamePattern.Matches("blocks.1.*.bias", p.Key))
            .All(p => p.Value.Zip(after[p.Key], (a, b) => Math.Abs(Math.Abs((double)a - b) / Rate - 1)).All(off => off < 0.01));

    private static void Step(ShardedModule sharded, Optimizer optimizer, ToyModel model, RankContext rank)
    {
        var number = optimizer.Steps;
        using var step = sharded.BeginStep();
        var x = Enumerable.Range(0, 4 * 15).Select(i => MathF.Sin(i + rank.Rank + number)).ToArray();
        step.Backward(model.Loss(rank.Tensors.From<float>(x, [4, 15]), rank.Tensors.From<int>([0, 1, 2, (int)(number % 3)], [4])));
        optimizer.Step();
    }

    private static Dictionary<string, float[]> Weights(ShardedModule module)
    {
        var weights = new Dictionary<string, float[]>();
        module.VisitParameters((name, value) => weights[name] = value.ToArray<float>(), everyRank: true);
        return weights;
    }

    private static AdamW AdamW(IFlatParameters parameters, string[] still) => new(parameters, new AdamWOptions
    {
        LearningRate = Rate,
        WeightDecay = 0,
        Groups = [.. still.Select(pattern => new ParameterGroup(pattern) { LearningRate = 0 })],
    });

    private static ToyRun Run(int ranks, int stage) => new()
    {
        Model = () => new ToyModel(),
        Ranks = ranks,
        Steps = 2,
        GlobalRows = 24,
        AccumulationSteps = 2,
        Policy = ShardingPolicy.ForStage(stage) with { Reduction = GradientReduction.LastMicroBatch },
        Optimizer = parameters => AdamW(parameters, []),
    };
}

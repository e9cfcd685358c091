using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Which blocks are checkpointed changes what is held and for how long, and nothing else: no bit, no collective.</summary>
public class ActivationCheckpointingTests
{
    private const int Steps = 2, Blocks = 3, RowsPerRank = 2;

    private static readonly ActivationCheckpointing?[] Choices =
    [
        null,
        new(),
        new() { Every = 2 },
        new() { Keep = KeptOps.MatMul },
        new() { Every = 3, Keep = KeptOps.MatMul | KeptOps.Attention },
    ];

    public static TheoryData<int, int> Worlds
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var ranks in (int[])[1, 2, 3, 4, 5, 7, 8, 9])
                for (var stage = 0; stage <= 3; stage++)
                    data.Add(ranks, stage);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void EveryChoice_DropoutOn_HasTheBitsCallsAndPlannedPeaksOfNone(int ranks, int stage)
    {
        var none = Run(ranks, stage, null).Run();
        foreach (var choice in Choices)
        {
            var run = Run(ranks, stage, choice);
            var found = run.Run();
            found.AssertSameBits(none);
            for (var rank = 0; rank < ranks; rank++)
            {
                found.Traces[rank].AssertHasTheBytesOf(run.Plan(rank));
                Assert.Equal(Calls(none.Traces[rank]), Calls(found.Traces[rank]));
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Checkpointing_UnderAccumulation_HasTheBitsOfNone(int stage) =>
        (Run(2, stage, new()) with { AccumulationSteps = 3, GlobalRows = 12 }).Run()
            .AssertSameBits((Run(2, stage, null) with { AccumulationSteps = 3, GlobalRows = 12 }).Run());

    [Fact]
    public void Forward_LeavesWhatTheFormulaSays()
    {
        // Beside its input, which all choices save, a block saves what GELU and the second product read: two of [rows, hidden]. Kept products are one of these and the block's second.
        var (hidden, output) = (Rounded(RowsPerRank * DropoutToy.Hidden), Rounded(RowsPerRank * DropoutToy.Width));
        var none = LeftByForward(null);
        Assert.Equal(Blocks * 2 * hidden, none - LeftByForward(new()));
        Assert.Equal(1 * 2 * hidden, none - LeftByForward(new() { Every = 2 }));
        Assert.Equal(Blocks * (hidden - output), none - LeftByForward(new() { Keep = KeptOps.MatMul }));
        Assert.Equal(Blocks * 2 * hidden, none - LeftByForward(new() { Keep = KeptOps.Attention }));
    }

    [Fact]
    public void Schedule_DeclaresTheSecondRuns_AndNoGatherForThem()
    {
        var none = Schedule(null);
        var every = Schedule(new ActivationCheckpointing());
        Assert.Equal(Blocks, every.Count(ScheduleEventKind.Recompute));
        Assert.Equal(none.Events, every.Events.Where(e => e.Kind is not (ScheduleEventKind.Recompute or ScheduleEventKind.RecomputeEnd)));
        Assert.Equal([3], Schedule(new ActivationCheckpointing { Every = 3 }).Events.Where(e => e.Kind == ScheduleEventKind.Recompute).Select(e => e.Unit));
        Assert.Equal(0, none.Count(ScheduleEventKind.Recompute));
    }

    [Fact]
    public void SecondRuns_AreReportedInsideTheBackwardOfTheirUnit()
    {
        var order = new List<(ScheduleEventKind, int)>();
        (Run(1, 0, new ActivationCheckpointing { Every = 2 }) with { Steps = 1, Observe = _ => new Recorder(e => order.Add((e.Kind, e.Unit))) }).Run();
        var second = order.IndexOf((ScheduleEventKind.Recompute, 2));
        Assert.Equal(
            [(ScheduleEventKind.Backward, 2), (ScheduleEventKind.Recompute, 2), (ScheduleEventKind.RecomputeEnd, 2), (ScheduleEventKind.BackwardEnd, 2)],
            order[(second - 1)..(second + 3)]);
        Assert.Single(order, e => e.Item1 == ScheduleEventKind.Recompute);
    }

    [Fact]
    public void ABlockWhoseOutputNobodyUses_IsNotRunAgain_AndHasNoGradient()
    {
        var unused = Run(2, 3, new ActivationCheckpointing()) with
        {
            Model = () => new DropoutToy(Blocks) { UsesBlocks = false },
            Optimizer = parameters => new Sgd(parameters, new SgdOptions { LearningRate = 1 }),
        };
        var found = unused.Run();
        foreach (var (name, values) in found.Before.Where(p => p.Key.StartsWith("blocks.", StringComparison.Ordinal)))
            Assert.Equal(values, found.After[0][name]);
        Assert.NotEqual(found.Before["head.weight"], found.After[0]["head.weight"]);
    }

    [Fact]
    public void Choices_WithoutEffect_AreRefused()
    {
        Testing.Ranks.Run(1, rank =>
        {
            ShardedModule Apply(Module model, int every) =>
                FullyShard.Apply(model, rank, ShardingPolicy.Zero3, new ShardingOptions { ActivationCheckpointing = new() { Every = every } });
            Assert.Contains("the model has 3 blocks", Assert.Throws<ArgumentException>(() => Apply(new DropoutToy(Blocks), 4)).Message, StringComparison.Ordinal);
            Assert.Contains("the model has 0 blocks", Assert.Throws<ArgumentException>(() => Apply(new UnevenLinears(3, 4, 5), 1)).Message, StringComparison.Ordinal);
            Assert.StartsWith("Block 'a' (TwoInputs) cannot be checkpointed", Assert.Throws<ArgumentException>(() => Apply(new Holder(), 1)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(() => new ActivationCheckpointing { Every = 0 });
        });
    }

    private static (CollectiveOperation, string, long)[] Calls(ToyRun.Trace trace) => [.. trace.Calls.Select(c => (c.Operation, c.Unit, c.Elements))];

    private static long Rounded(long floats) => (floats * sizeof(float) + 63) / 64 * 64;

    private static long LeftByForward(ActivationCheckpointing? checkpointing)
    {
        long left = 0;
        var run = Run(1, 0, checkpointing) with
        {
            Steps = 1,
            Observe = rank => new Recorder(starting: e =>
            {
                if (e is { Kind: ScheduleEventKind.Backward, Unit: 0 })
                    left = rank.Tensors.Ledger.Live(MemoryKind.Activation);
            }),
        };
        run.Run();
        return left;
    }

    private static StepSchedule Schedule(ActivationCheckpointing? checkpointing) => Run(2, 3, checkpointing).Plan(0).Module.TrainingSchedule;

    private static ToyRun Run(int ranks, int stage, ActivationCheckpointing? checkpointing) => new()
    {
        Model = () => new DropoutToy(Blocks),
        Ranks = ranks,
        Steps = Steps,
        GlobalRows = RowsPerRank * ranks,
        Policy = ShardingPolicy.ForStage(stage),
        ActivationCheckpointing = checkpointing,
        Clip = 0.1,
        Optimizer = parameters => new AdamW(parameters),
    };

    private sealed class Recorder(Action<ScheduleEvent>? ended = null, Action<ScheduleEvent>? starting = null) : IScheduleObserver
    {
        public void OnStarting(in ScheduleEvent scheduled, string unit) => starting?.Invoke(scheduled);

        public void OnEvent(in ScheduleRecord record) => ended?.Invoke(record.Event);
    }

    private sealed class Holder : Module
    {
        public Holder() => AddUnit("a", new TwoInputs());

        private sealed class TwoInputs : Module
        {
            public TwoInputs() => AddChild("inner", new Linear(2, 2));
        }
    }
}

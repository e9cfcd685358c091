using NetZero.Nn;
using NetZero.Sharding.Tests.Engine;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Describing;

/// <summary>A plan is what the engine does: the same events, and the same bytes after each.</summary>
public class DescribeTests
{
    public static TheoryData<int, int, int> Cases
    {
        get
        {
            var data = new TheoryData<int, int, int>();
            for (var stage = 0; stage <= 3; stage++)
                foreach (var (ranks, microBatches) in ((int, int)[])[(1, 2), (2, 1), (3, 2)])
                    data.Add(stage, ranks, microBatches);
            return data;
        }
    }

    private static Func<ShardedModule, Action> Program(ToyModel model) => module =>
    {
        var optimizer = new AdamW(module);
        return () =>
        {
            using var step = module.BeginStep();
            for (var micro = 0; micro < module.GradientAccumulationSteps; micro++)
            {
                using var scope = step.BeginMicroBatch();
                step.Backward(model.Loss(module.Tensors.Full([4, 15], 0.5f), module.Tensors.From<int>([0, 1, 2, 0], [4])));
            }

            optimizer.Step();
        };
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Plan_EqualsTheMeasuredStep_AfterEveryEvent(int stage, int ranks, int microBatches)
    {
        var options = new ShardingOptions { GradientAccumulationSteps = microBatches };
        var measured = Ranks.Run(ranks, rank =>
        {
            var model = new ToyModel();
            var module = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), options);
            return FullyShard.Describe(module, Program(model)(module));
        });
        foreach (var real in measured)
        {
            var model = new ToyModel();
            var planned = FullyShard.Describe(model, ranks, ShardingPolicy.ForStage(stage), Program(model), options, real.Rank);
            Assert.Equal(planned.Schedule.Events, planned.Points.Select(point => point.Event));
            Assert.Equal(planned.Points, real.Points);
            Assert.Equal(planned.Before, real.Before);
            Assert.Equal(planned.Peak, real.Peak);
            Assert.Equal(planned.WireBytes, real.WireBytes);
            Assert.Equal(planned.ToString(), real.ToString());
        }
    }

    [Fact]
    public void Plan_Text_NamesUnitsEventsAndPeak()
    {
        var model = new ToyModel(blocks: 3);
        var plan = FullyShard.Describe(model, 2, ShardingPolicy.Zero3, Program(model));
        Assert.Equal(
            """
            ZeRO stage 3 on 2 ranks, 1 micro-batch a step; bytes are those of rank 0

            unit                                      parameters          whole          slice
            root                                              48       2.00 KiB       1.00 KiB
            blocks.0 to blocks.2, each of 3                  542       4.00 KiB       2.00 KiB

            AllGather                                          7
            Forward                                            4
            Release                                            7
            Backward                                           4
            ReduceScatter                                      4
            Accumulate                                         4
            Update                                             4
            bytes sent                                  20.0 KiB
            """.ReplaceLineEndings("\n"),
            plan.ToString()[..plan.ToString().IndexOf("\n\nmemory", StringComparison.Ordinal)]);
        Assert.All(plan.ToString().Split('\n'), line => Assert.InRange(line.Length, 0, 100));

        // Slices: (256 + 3 x 512) elements of 4 bytes; AdamW's moments are twice that.
        Assert.Equal((7168, 14336), (plan.Before[MemoryKind.Parameter], plan.Before[MemoryKind.Optimizer]));
        Assert.Equal(2048 + (2 * 4096), plan.Peak[MemoryKind.Gathered]);
    }

    // Names that do not fit in front of their numbers have lines of their own, and what is longer than a line has several.
    [Fact]
    public void Plan_Text_FitsItsLines_AndCutsNothingOff()
    {
        var model = new ToyModel(blocks: 12);
        var others = Enumerable.Range(0, 12).Select(i => new UnitOverride($"blocks.{i}") { Stage = i % 3 });
        var text = FullyShard.Describe(model, 2, new ShardingPolicy { Overrides = [.. others] }, Program(model)).ToString();
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 100));
        var head = string.Join(' ', text[..text.IndexOf("\n\n", StringComparison.Ordinal)].Split('\n').Select(line => line.Trim()));
        Assert.Equal(
            "ZeRO stage 3, otherwise for blocks.0, blocks.1, blocks.2, blocks.3, blocks.4, blocks.5, blocks.6, blocks.7, blocks.8, blocks.9, "
            + "blocks.10, blocks.11 on 2 ranks, 1 micro-batch a step; bytes are those of rank 0",
            head);

        var names = (string[])[new('a', 60), new('b', 130)];
        var deep = new LongNames(names);
        text = FullyShard.Describe(deep, 2, ShardingPolicy.Zero3, module => () =>
        {
            using var step = module.BeginStep();
            step.Backward(deep.Loss(module.Tensors.Full([4, 3], 0.5f)));
            module.Update((_, _) => { });
        }).ToString();
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 100));
        Assert.Contains($"\n{names[0]}\n{"12",52}", text, StringComparison.Ordinal);
        Assert.Contains($"\n{names[1][..100]}\n  {names[1][100..]}\n{"16",52}", text, StringComparison.Ordinal);
    }

    private sealed class LongNames : Module
    {
        private readonly Linear[] _blocks;

        public LongNames(string[] names) => _blocks = [.. names.Select((name, i) => AddUnit(name, new Linear(3, 3 + i)))];

        public Tensor Loss(Tensor x)
        {
            using var call = Enter(x.Context);
            return call.Return(_blocks.Aggregate(x, (y, block) => block.Call(y)).Sum());
        }
    }

    [Fact]
    public void Step_ThatLeavesAnEventOut_IsRefused()
    {
        var model = new ToyModel();
        var error = Assert.Throws<ArgumentException>(() => FullyShard.Describe(model, 2, ShardingPolicy.Zero3, module => () =>
        {
            using var step = module.BeginStep();
            model.Loss(module.Tensors.Full([4, 15], 0.5f), module.Tensors.From<int>([0, 1, 2, 0], [4])).Backward();
        }));
        Assert.StartsWith("The step made ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Phases_AreThePassesOfEachMicroBatchAndTheUpdate_AndCoverAllEvents()
    {
        var model = new ToyModel();
        var plan = FullyShard.Describe(model, 3, ShardingPolicy.Zero3, Program(model), new ShardingOptions { GradientAccumulationSteps = 2 });
        var phases = plan.Phases;
        Assert.Equal(
            [
                (ScheduleEventKind.Forward, 0), (ScheduleEventKind.Backward, 0), (ScheduleEventKind.Forward, 1), (ScheduleEventKind.Backward, 1),
                (ScheduleEventKind.Update, 1),
            ],
            phases.Select(phase => (phase.Kind, phase.MicroBatch)));
        Assert.Equal(plan.Points.Count, phases.Sum(phase => phase.Count));
        Assert.All(phases.Zip(phases.Skip(1)), pair => Assert.Equal(pair.First.Start + pair.First.Count, pair.Second.Start));
    }
}

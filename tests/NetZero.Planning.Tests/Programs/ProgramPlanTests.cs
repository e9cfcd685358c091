using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Planning.Tests;

public class ProgramPlanTests
{
    private static readonly Gpt2Config Model = new() { LayerCount = 3, HeadCount = 4, EmbeddingSize = 64, PositionCount = 32, VocabularySize = 128 };

    private static ProgramPlan Plan(int ranks, int stage, int microBatches = 1) => Planner.Plan(
        new Gpt2(Model), ShardingPolicy.ForStage(stage), new DeviceMesh(new FakeProcessGroup(0, ranks)), ClusterCatalog.Find("h100x8"),
        TrainingProgram.Gpt2(Model, samples: 2, sequence: 32, new ShardingOptions { GradientAccumulationSteps = microBatches }));

    // The example of docs/planner.md, as it stands there.
    [Fact]
    public void Example_OfTheDocumentation_PlansAStep()
    {
        var model = new Gpt2Config { LayerCount = 12, HeadCount = 12, EmbeddingSize = 768, PositionCount = 1024, VocabularySize = 50257 };
        var mesh = new DeviceMesh(new FakeProcessGroup(rank: 0, worldSize: 8));
        var plan = Planner.Plan(
            new Gpt2(model), ShardingPolicy.Zero3, mesh, ClusterCatalog.Find("a100x8"), TrainingProgram.Gpt2(model, samples: 4, sequence: 1024));
        Console.WriteLine($"{plan.Time.StepSeconds} s, {plan.TokensPerSecond} tokens/s, {plan.Sharding.Highest.Total} bytes {plan.PeakMoment}");

        Assert.True(plan.Fits);
        Assert.InRange(plan.Time.Mfu, 0.05, 1);
        Assert.Equal(8 * 4 * 1024 / plan.Time.StepSeconds, plan.TokensPerSecond, plan.TokensPerSecond * 1e-9);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Parts_AddUpToTheStep(int stage)
    {
        var time = Plan(8, stage, microBatches: 2).Time;
        Assert.Equal(time.StepSeconds, time.ComputeSeconds + time.ExposedSeconds + time.UpdateSeconds + time.LoadSeconds, time.StepSeconds * 1e-9);
        Assert.True(time.CommunicationSeconds > 0);
    }

    [Fact]
    public void OneRank_CommunicatesNothing()
    {
        var time = Plan(1, 3).Time;
        Assert.Equal(0, time.CommunicationSeconds);
        Assert.Equal(0, time.ExposedSeconds, 1e-12);
    }

    [Fact]
    public void TwiceTheMicroBatches_TakeTwiceTheCompute()
    {
        var (one, two) = (Plan(2, 3).Time, Plan(2, 3, microBatches: 2).Time);

        // A little more than twice: each loss is scaled, and gradients are added up.
        Assert.InRange(Passes(two) / Passes(one), 2, 2.4);
        Assert.Equal(one.UpdateSeconds, two.UpdateSeconds, one.UpdateSeconds * 0.01);

        static double Passes(StepPrediction time) => time.Timeline.Where(timed => timed.Task.Name is "Forward" or "Backward").Sum(timed => timed.Task.Seconds);
    }

    [Fact]
    public void Timeline_HasTheEventsOfTheSchedule_WithTheNamesOfATrace()
    {
        var plan = Plan(2, 3);
        var tasks = plan.Time.Timeline.Select(timed => timed.Task).ToArray();
        foreach (var unit in plan.Sharding.Schedule.Units)
        {
            Assert.Contains(tasks, task => task.Name == "Forward" && task.Unit == unit.Name);
            Assert.Contains(tasks, task => task.Name == "Backward" && task.Unit == unit.Name);
            Assert.Contains(tasks, task => task.Name == "Update" && task.Unit == unit.Name);
        }

        Assert.Equal(plan.Sharding.Schedule.Count(ScheduleEventKind.ReduceScatter), tasks.Count(task => task.Name == "ReduceScatter"));
    }

    [Fact]
    public void Peak_IsThePlansHighestMoment_AndHasAName()
    {
        var plan = Plan(2, 3);
        Assert.Equal(plan.Sharding.Highest.Total, plan.Sharding.Points[plan.PeakEvent].Highest.Total);
        Assert.StartsWith("in the backward pass of ", plan.PeakMoment, StringComparison.Ordinal);
    }
}

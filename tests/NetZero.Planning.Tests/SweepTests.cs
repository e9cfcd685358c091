namespace NetZero.Planning.Tests;

public class SweepTests
{
    [Theory]
    [InlineData(1, 1, "0")]
    [InlineData(2, 8, "0")]
    [InlineData(8, 8, "0 2 4")]
    [InlineData(64, 8, "0 4 8")]
    [InlineData(256, 8, "0 4 8")]
    [InlineData(9, 2, "0 3")]
    [InlineData(16381, 8, "0")]
    public void HybridGroups_AreAllRanksAndTheDivisorsNearestToANode(int replicas, int inNode, string sizes) =>
        Assert.Equal(sizes, string.Join(' ', HybridGroups.Of(replicas, inNode)));

    // 1 + 3 x 3 choices of stage and group, 5 micro-batches, 3 recomputations, 3 dtypes: 450 combinations, where 500 are to take less than 60 seconds.
    [Fact]
    public void Of_Llama70OnTwoHundredFiftySixRanks_TriesEverything_InLittleTime()
    {
        var run = new Workload
        {
            Model = ModelCatalog.Find("llama3-70b"),
            Sequence = 8192,
            MicroBatch = 1,
            MicroBatches = 16,
            Layout = new ParallelLayout(256),
        };
        var clock = System.Diagnostics.Stopwatch.StartNew();

        var swept = Sweep.Of(run, ClusterCatalog.Find("h100x8"));

        Assert.True(clock.Elapsed.TotalSeconds < 30, $"{clock.Elapsed.TotalSeconds:F1} s");
        Assert.Equal((1 + (3 * 3)) * 5 * 3 * 3, swept.Count);
        Assert.Equal(["bf16", "fp32", "fp8"], swept.Select(one => one.Plan.Run.Dtype).Distinct().Order());
        Assert.Equal([0, 4, 8], swept.Select(one => one.Plan.Run.ShardGroup).Distinct().Order());
        Assert.All(swept, one => Assert.Equal(16, one.Plan.Run.MicroBatch * one.Plan.Run.MicroBatches));

        // The front: nothing else is at least as fast and holds at most as much.
        Assert.All(swept.Where(one => one.IsPareto), one => Assert.DoesNotContain(swept, other =>
            other.Plan.Time.StepSeconds < one.Plan.Time.StepSeconds && other.Plan.Memory.Total < one.Plan.Memory.Total));
        Assert.True(swept[0].Plan.Fits);
    }

    [Fact]
    public void Of_RunThatOffloadsParameters_LeavesOutStagesThatCannot()
    {
        var run = new Workload { Model = ModelCatalog.Find("gpt2"), Sequence = 1024, MicroBatch = 4, Layout = new ParallelLayout(8), Offload = Offload.Parameters };

        Assert.All(Sweep.Of(run, ClusterCatalog.Find("a100x8")), one => Assert.Equal(3, one.Plan.Run.Stage));
    }

    // fp32 products are slower than 16-bit ones on a GPU, and activations twice as large.
    [Fact]
    public void SinglePrecision_TakesLongerAndHoldsMore()
    {
        var wide = new Workload { Model = ModelCatalog.Find("llama2-7b"), Sequence = 2048, MicroBatch = 2, Layout = new ParallelLayout(8) };
        var (half, single) = (Planner.Plan(wide, ClusterCatalog.Find("a100x8")), Planner.Plan(wide with { Dtype = "fp32" }, ClusterCatalog.Find("a100x8")));

        Assert.InRange(single.Time.StepSeconds / half.Time.StepSeconds, 1.5, 3);
        Assert.Equal(2 * half.Memory.Activations, single.Memory.Activations, half.Memory.Activations * 1e-9);
    }
}

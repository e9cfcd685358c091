namespace NetZero.Planning.Tests;

public class OffloadTests
{
    private static readonly Workload Run = new()
    {
        Model = ModelCatalog.Find("llama2-70b"),
        Sequence = 4096,
        MicroBatch = 1,
        MicroBatches = 8,
        Layout = new ParallelLayout(16),
        Recompute = Recompute.Full,
    };

    private static ClusterPlan Plan(Offload offload, int microBatches = 8) =>
        Planner.Plan(Run with { Offload = offload, MicroBatches = microBatches }, ClusterCatalog.Find("a100x8"));

    [Fact]
    public void Optimizer_LeavesTheDevice_AndTakesTime()
    {
        var (all, less) = (Plan(Offload.None), Plan(Offload.Optimizer));
        Assert.Equal((0, all.Memory.Parameters), (less.Memory.Optimizer, less.Memory.Parameters));
        Assert.Equal(less.Time.OffloadSeconds, less.Time.StepSeconds - all.Time.StepSeconds, 1e-9);
        Assert.True(less.Time.OffloadSeconds > 0);
    }

    // Intensity grows with the batch: the same transfers stand beside more compute.
    [Fact]
    public void OptimizersTransfers_AreOncePerStep() =>
        Assert.Equal(Plan(Offload.Optimizer).Time.OffloadSeconds, Plan(Offload.Optimizer, microBatches: 16).Time.OffloadSeconds, 1e-6);

    [Fact]
    public void ParametersTransfers_AreOncePerMicroBatch() =>
        Assert.Equal(2 * Plan(Offload.Parameters).Time.OffloadSeconds, Plan(Offload.Parameters, microBatches: 16).Time.OffloadSeconds, 1e-6);

    // ait x bw / (ait x bw + peak) is compute over compute and transfers.
    [Fact]
    public void Time_IsTheEfficiencyFormula()
    {
        var plan = Plan(Offload.Checkpoints);
        var speed = OffloadEfficiency.StepFlopWithRecomputation(Run.Model.Parameters, 4096, 8) / plan.Time.ComputeSeconds;
        var efficiency = OffloadEfficiency.Of(OffloadEfficiency.ActivationCheckpointIntensity(8192, 1), plan.Cluster.HostBytesPerSecond, speed);
        Assert.Equal(efficiency, plan.Time.ComputeSeconds / (plan.Time.ComputeSeconds + plan.Time.OffloadSeconds), 1e-9);
    }

    [Theory]
    [InlineData(Offload.Parameters, 2, Recompute.Full, "use stage 3")]
    [InlineData(Offload.Checkpoints, 3, Recompute.None, "use full recomputation")]
    public void Contradictions_AreRefused(Offload offload, int stage, Recompute recompute, string remedy) => Assert.Contains(
        remedy, Assert.Throws<ArgumentException>(() => (Run with { Offload = offload, Stage = stage, Recompute = recompute }).Checked()).Message, StringComparison.Ordinal);
}

using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>What a run on a cluster is predicted to take and to hold.</summary>
/// <param name="Run">The step.</param>
/// <param name="Cluster">The machines.</param>
/// <param name="Time">Its time.</param>
/// <param name="Memory">The bytes of the rank that holds most.</param>
public sealed record ClusterPlan(Workload Run, ClusterDescription Cluster, StepPrediction Time, MemoryPrediction Memory)
{
    /// <summary>Whether the peak fits the device.</summary>
    public bool Fits => Memory.Total <= Cluster.Device.MemoryBytes;

    /// <summary>Tokens per second of all ranks.</summary>
    public double TokensPerSecond => Run.TokensPerStep / Time.StepSeconds;

    /// <summary>
    /// Failures at the cluster's rate, with checkpoints that stall the run for a minute and ten minutes to find a failure and start again, as large runs report
    /// (A. Dubey et al. 2024, section 3.3.4). Null where the cluster does not say how often devices fail.
    /// </summary>
    public Goodput? Failures => Cluster.DeviceHoursBetweenFailures > 0
        ? Goodput.OfDevices(Run.Layout.Ranks, Cluster.DeviceHoursBetweenFailures, checkpointSeconds: 60, restartSeconds: 600)
        : null;

    /// <summary>What most of the step's time goes to.</summary>
    public string LimitedBy => new[]
    {
        (Time.ComputeSeconds - Time.TensorSeconds, "compute"), (Time.ExposedSeconds, "communication"), (Time.TensorSeconds, "tensor-parallel communication"),
        (Time.BubbleSeconds, "the pipeline's bubble"), (Time.UpdateSeconds, "the update"), (Time.OffloadSeconds, "the host's memory"),
    }.MaxBy(part => part.Item1).Item2;
}

/// <summary>Plans runs on clusters: the way in from C#.</summary>
public static class Planner
{
    /// <summary>Predicts a step of NetZero's own: its program runs on Meta, without memory and without peers, and each kernel call and collective is priced.</summary>
    /// <param name="model">A model of its own for this; it has no values afterwards.</param>
    /// <param name="policy">What is sharded.</param>
    /// <param name="mesh">The ranks: one axis <c>shard</c>, or <c>replicate</c> and <c>shard</c>, over a <see cref="FakeProcessGroup"/>.</param>
    /// <param name="cluster">The machines.</param>
    /// <param name="program">The step.</param>
    /// <exception cref="ArgumentException">The policy does not fit the model or the mesh, or the cluster cannot run it.</exception>
    public static ProgramPlan Plan(Module model, ShardingPolicy policy, DeviceMesh mesh, ClusterDescription cluster, TrainingProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        using var tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta, Threads = program.Size.ThreadsPerRank });
        var module = FullyShard.Apply(model, mesh, tensors, policy, program.Options);
        return ProgramPlanner.Plan(module, program.Step(module), program.Size, cluster);
    }

    /// <summary>Predicts a step with the constants that NetZero ships.</summary>
    /// <param name="run">The step.</param>
    /// <param name="cluster">The machines.</param>
    /// <param name="profile">The system; by default <c>generic</c>, an eager FSDP-like one.</param>
    /// <exception cref="ArgumentException">The step cannot run, or the device lacks its dtype.</exception>
    public static ClusterPlan Plan(Workload run, ClusterDescription cluster, ImplementationProfile? profile = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(cluster);
        profile ??= Calibration.Shipped.Profiles[0];
        return new ClusterPlan(run, cluster, new TimePredictor(Calibration.Shipped).Predict(run, cluster, profile), MemoryPredictor.Predict(run, profile));
    }
}

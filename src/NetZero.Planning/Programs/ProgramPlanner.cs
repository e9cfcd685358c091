using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>Runs a program's step on Meta and prices what it did.</summary>
public static class ProgramPlanner
{
    /// <summary>The plan of a distributed model whose tensors are on Meta.</summary>
    /// <param name="module">The model.</param>
    /// <param name="step">One training step.</param>
    /// <param name="size">Tokens, FLOP and threads.</param>
    /// <param name="cluster">The machines.</param>
    /// <exception cref="ArgumentException">The step is not the schedule's, or the cluster cannot run it.</exception>
    public static ProgramPlan Plan(ShardedModule module, Action step, ProgramSize size, ClusterDescription cluster)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(cluster);
        var profile = Calibration.Shipped.Profiles[0];
        var costs = new KernelTime(cluster, module.Group.Size, size.ThreadsPerRank, profile);
        var recorded = new RecordedStep();
        module.Tensors.KernelObserver = recorded;
        ShardingPlan sharding;
        try
        {
            sharding = FullyShard.Describe(
                module,
                () =>
                {
                    recorded.Begin();
                    step();
                },
                recorded);
        }
        finally
        {
            module.Tensors.KernelObserver = null;
        }

        var tasks = RecordedTasks.Of(sharding.Schedule, recorded.Pieces, costs, cluster.DevicesPerNode, size.MicroBatchTokens);
        var timeline = new Simulator(profile.Contention).Run(tasks);
        var tokens = (double)size.MicroBatchTokens * sharding.Schedule.MicroBatches * sharding.Ranks;
        var time = Prediction(timeline, costs, tokens / sharding.Ranks, size.FlopsPerToken * Peak(cluster, size)) with { KernelSeconds = Kernels(recorded.Pieces, costs) };
        return new ProgramPlan(sharding, cluster, time, tokens, size.ThreadsPerRank);
    }

    private static Dictionary<string, double> Kernels(IEnumerable<RecordedPiece> pieces, KernelTime costs) =>
        pieces.SelectMany(piece => piece.Calls).GroupBy(call => DeviceUse.NameOf(call.Kernel, call.DType)).ToDictionary(group => group.Key, group => group.Sum(call => costs.Of(call)));

    // Model FLOP of a token over the FLOP/s that MFU is relative to: seconds of a token at an MFU of one.
    private static double Peak(ClusterDescription cluster, ProgramSize size) => 1 / (cluster.Device.Peak(size.DType) * (cluster.Device.IsHost ? size.ThreadsPerRank : 1));

    private static StepPrediction Prediction(TimedTask[] timeline, KernelTime costs, double tokens, double secondsPerToken)
    {
        var step = timeline.Max(task => task.End) + costs.Step;
        var updates = Sum(task => task.Name is nameof(ScheduleEventKind.Update) or RecordedPiece.Norm);
        var load = Sum(task => task.Name == SimulatedTask.LoadName);
        var compute = Sum(task => task is { Lane: Lane.Compute, IsCommunication: false }) - updates - load + costs.Step;
        return new StepPrediction
        {
            StepSeconds = step,
            ComputeSeconds = compute,
            TensorSeconds = 0,
            ExposedSeconds = Math.Max(0, step - compute - updates - load),
            UpdateSeconds = updates,
            LoadSeconds = load,
            BubbleSeconds = 0,
            CommunicationSeconds = Sum(task => task.Lane != Lane.Compute || task.IsCommunication),
            TokensPerSecondPerDevice = tokens / step,
            Mfu = tokens / step * secondsPerToken,
            Timeline = timeline,
        };

        double Sum(Func<SimulatedTask, bool> which) => timeline.Where(timed => which(timed.Task)).Sum(timed => timed.Task.Seconds);
    }
}

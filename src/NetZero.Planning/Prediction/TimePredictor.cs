using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>Predicts the time of a step by simulating its schedule on one rank of each kind.</summary>
/// <remarks>
/// Ranks of one pipeline stage run the same events over slices of one length, so one of them stands for all. After the first micro-batch each takes as long as the
/// one before, so two are simulated and the rest follows.
/// </remarks>
public sealed class TimePredictor
{
    private readonly Calibration _calibration;

    /// <summary>A predictor with the given fitted constants.</summary>
    public TimePredictor(Calibration calibration) => _calibration = calibration;

    /// <summary>Predicts one step.</summary>
    /// <exception cref="ArgumentException">The workload cannot run, or the device lacks its dtype.</exception>
    public StepPrediction Predict(Workload run, ClusterDescription cluster, ImplementationProfile profile) =>
        Predict(run, cluster, profile, microBatches => DeclaredSchedule.Of(run.Checked(), microBatches));

    /// <summary>The same with the schedule of a number of micro-batches given, so that it can be kept between predictions.</summary>
    public StepPrediction Predict(Workload run, ClusterDescription cluster, ImplementationProfile profile, Func<int, StepSchedule> schedules)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(schedules);
        run.Checked();
        var compute = new ComputeCost(run, cluster, profile, _calibration.Device(cluster.Device.Name));
        var simulated = run.Layout.Pipeline == 1 ? Math.Min(run.MicroBatches, 2) : 1;
        var one = Simulate(schedules(1), run, cluster, profile, compute);
        var timeline = simulated == 1 ? one : Simulate(schedules(2), run, cluster, profile, compute);
        var blocks = new StageSizes(run).Blocks;
        var blockSeconds = blocks * (compute.Forward + compute.Backward);
        var headSeconds = compute.HeadForward + compute.HeadBackward;
        var (first, last) = (one[^1].End, timeline[^1].End);
        double step, bubble, computeSeconds;
        if (run.Layout.Pipeline == 1)
        {
            step = first + (run.MicroBatches - 1) * (last - first);
            bubble = 0;
            computeSeconds = run.MicroBatches * (blockSeconds + headSeconds);
        }
        else
        {
            // The simulated micro-batch has the head; the stages before the last one have not, so the pipeline's pace is the slowest stage's.
            var hop = ProfiledLinks.Of(cluster, profile).Send(
                2.0 * run.MicroBatch * run.Sequence / run.Layout.Context * run.Model.Hidden / run.Layout.Tensor,
                run.Layout.Ranks <= cluster.DevicesPerNode);
            var slot = blockSeconds + headSeconds + 2 * hop * run.Chunks;
            var idle = PipelineBubble.Slots(0, run.Layout.Pipeline, run.Chunks) * (blockSeconds + 2 * hop * run.Chunks);
            bubble = idle;
            step = first + (run.MicroBatches - 1) * slot + idle;
            computeSeconds = run.MicroBatches * (blockSeconds + headSeconds);
        }

        var offload = OffloadTime.Of(run, cluster, computeSeconds);
        step += profile.StepSeconds + offload;
        var updates = one.Where(t => t.Task.Name == nameof(ScheduleEventKind.Update)).Sum(t => t.End - t.Start);
        var tokens = run.TokensPerStep / step / run.Layout.Ranks;
        return new StepPrediction
        {
            StepSeconds = step,
            ComputeSeconds = computeSeconds,
            TensorSeconds = run.MicroBatches * blocks * compute.Tensor,
            UpdateSeconds = updates,
            BubbleSeconds = bubble,
            OffloadSeconds = offload,
            ExposedSeconds = Math.Max(0, step - profile.StepSeconds - offload - computeSeconds - updates - bubble),
            CommunicationSeconds = Communication(one) + (run.MicroBatches - 1) * Math.Max(0, Communication(timeline) - Communication(one)),
            TokensPerSecondPerDevice = tokens,
            Mfu = tokens * run.Model.FlopsPerToken(run.Sequence) / cluster.Device.WidePeak,
            Timeline = timeline,
        };
    }

    private static TimedTask[] Simulate(StepSchedule schedule, Workload run, ClusterDescription cluster, ImplementationProfile profile, ComputeCost compute) =>
        new Simulator(profile.Contention).Run(StepTasks.Of(schedule, new DeviceEventCosts(run, cluster, profile, compute)));

    private static double Communication(IReadOnlyList<TimedTask> tasks) =>
        tasks.Where(t => t.Task.Lane != Lane.Compute).Sum(t => t.Task.Seconds);
}

using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

public static partial class FullyShard
{
    /// <summary>What a program's training step comes to on one of <paramref name="ranks"/> ranks, without memory and without peers: it runs on <see cref="Device.Meta"/>.</summary>
    /// <param name="model">A model of its own for this; it has no values afterwards.</param>
    /// <param name="ranks">Ranks, at least one.</param>
    /// <param name="policy">What is sharded.</param>
    /// <param name="program">Gets the distributed model, makes an optimizer, and returns one training step: as in training, but that no values can be read.</param>
    /// <param name="options">Accumulation.</param>
    /// <param name="rank">Whose plan it is.</param>
    /// <returns>The plan; its text says units, events and peaks.</returns>
    public static ShardingPlan Describe(
        Module model, int ranks, ShardingPolicy policy, Func<ShardedModule, Action> program, ShardingOptions? options = null, int rank = 0)
    {
        ArgumentNullException.ThrowIfNull(program);
        using var tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        var module = Apply(model, new FakeProcessGroup(rank, ranks), tensors, policy, options);
        return Describe(module, program(module));
    }

    /// <summary>Watches a training step of a distributed model, on Meta or on a device with memory.</summary>
    /// <param name="module">The model. Its observer is replaced meanwhile, and its ledger starts new peaks.</param>
    /// <param name="step">One training step: opens it, runs forward and backward of every micro-batch, and updates. It is called twice, since optimizer state is there from the first update on; the second time counts.</param>
    /// <param name="beside">Told of the events too; null is nobody.</param>
    /// <returns>What each event of the step left in memory.</returns>
    public static ShardingPlan Describe(ShardedModule module, Action step, IScheduleObserver? beside = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(step);
        step();
        module.Tensors.Ledger.ResetPeaks();
        var timeline = new MemoryTimeline(module.Tensors.Ledger);
        var observer = module.Observer;
        module.Observer = beside is null ? timeline : new ObserverPair(timeline, beside);
        try
        {
            step();
        }
        finally
        {
            module.Observer = observer;
        }

        var declared = module.TrainingSchedule.Events;
        if (timeline.Points.Count == 0 || timeline.Points[^1].Event != declared[^1])
            throw new ArgumentException(
                $"The step made {timeline.Points.Count} of the {declared.Count} events that the schedule declares; "
                + "it must run every micro-batch forward and backward and update once.", nameof(step));
        return new ShardingPlan(module, timeline);
    }
}

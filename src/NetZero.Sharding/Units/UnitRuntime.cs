using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>One unit on one rank: layout, parameters, gradients, and what each event of the schedule does to them.</summary>
internal sealed class UnitRuntime
{
    public UnitRuntime(UnitPlan plan, TensorContext context, ShardingGroups groups, int microBatches)
    {
        Layout = plan.Layout;
        Policy = plan.Policy;
        Parameters = new UnitParameters(plan.Layout, context, groups, plan.Policy, plan.Precision);
        Gradients = new UnitGradients(plan.Layout, context, groups.Shard.Rank, plan.Policy, plan.Precision, microBatches);
        IsFrozen = plan.IsFrozen;
        if (!IsFrozen)
            Gradients.Attach();
        Shard = new UnitShard(plan.Layout, Parameters, Gradients, plan.Policy, groups.Shard.Rank);
    }

    public UnitLayout Layout { get; }

    public ShardingPolicy Policy { get; }

    /// <summary>What the unit is reduced with; null where it has no elements.</summary>
    public GradientBucket? Bucket { get; set; }

    public UnitParameters Parameters { get; }

    public UnitGradients Gradients { get; }

    public UnitShard Shard { get; }

    /// <summary>Whether it is frozen: no gradient, no update.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>From now on nothing computes its gradients.</summary>
    public void Freeze()
    {
        IsFrozen = true;
        Gradients.Detach();
    }

    /// <summary>From now on its gradients are computed, again or for the first time: it has masters from here on.</summary>
    public void Thaw()
    {
        IsFrozen = false;
        Parameters.MakeMasters();
        Gradients.Attach();
    }

    /// <summary>Its backward begins.</summary>
    public void BeginGradients()
    {
        if (!IsFrozen)
            Gradients.Begin();
    }

    /// <summary>Its backward has ended.</summary>
    public void EndGradients()
    {
        if (!IsFrozen)
            Gradients.End();
    }

    /// <summary>Bytes of the flat buffer that an event moves or holds: of gradients on the wire where it is about them, else of what the model computes with.</summary>
    public long BytesOf(ScheduleEventKind kind) => kind is ScheduleEventKind.Pack or ScheduleEventKind.ReduceScatter or ScheduleEventKind.AllReduce or ScheduleEventKind.Accumulate
        ? Layout.PaddedElements * Gradients.Precision.Reduction.SizeInBytes()
        : Parameters.WholeBytes;

    /// <summary>Does what an event says that is neither a boundary nor an update.</summary>
    public void Do(ScheduleEventKind kind)
    {
        switch (kind)
        {
            case ScheduleEventKind.AllGather:
                Parameters.StartGather();
                break;
            case ScheduleEventKind.Release:
                Parameters.Release();
                break;
            case ScheduleEventKind.Reshard:
                Parameters.Reshard();
                break;
            case ScheduleEventKind.Pack:
                Bucket!.Pack(Gradients);
                break;
            case ScheduleEventKind.Accumulate:
                Bucket!.Accumulate();
                break;
            default:
                Bucket!.Start(kind);
                break;
        }
    }

    /// <summary>Updates the shard, once no peer reads it, and lets the gradients go.</summary>
    public void Update(Action<FlatShard> update)
    {
        Parameters.WaitForReaders();
        update(Shard);
        Parameters.FollowUpdate();
        Gradients.Reset();
    }

    /// <summary>After all updates: gathered parameters are there before the next step begins.</summary>
    public void FinishUpdate() => Parameters.FinishUpdate();

    /// <summary>Nothing of a step stays, except buffers of collectives that are still in flight.</summary>
    /// <remarks>Does not wait: after an exception the peers may never come. <see cref="Settle"/> does, before the next step.</remarks>
    public void Reset()
    {
        if (Bucket is not { IsInFlight: true })
        {
            Bucket?.Reset();
            Gradients.Reset();
        }

        Parameters.Reset();
    }

    /// <summary>Waits for what a step that was given up had left in flight, and lets its buffers go.</summary>
    public void Settle()
    {
        Bucket?.Settle();
        Parameters.Settle();
        Reset();
    }
}

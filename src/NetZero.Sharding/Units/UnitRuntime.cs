using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>One unit on one rank: layout, parameters, gradients, and what each event of the schedule does to them.</summary>
internal sealed class UnitRuntime
{
    public UnitRuntime(UnitLayout layout, TensorContext context, ProcessGroup group, ShardingPolicy policy, int microBatches)
    {
        Layout = layout;
        Parameters = new UnitParameters(layout, context, group, policy);
        Gradients = new UnitGradients(layout, context, group, policy, microBatches);
        Shard = new UnitShard(layout, Parameters, Gradients, policy, group.Rank);
    }

    public UnitLayout Layout { get; }

    public UnitParameters Parameters { get; }

    public UnitGradients Gradients { get; }

    public UnitShard Shard { get; }

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
            case ScheduleEventKind.Accumulate:
                Gradients.Accumulate();
                break;
            default:
                Gradients.StartReduction(kind);
                break;
        }
    }

    /// <summary>Updates the shard, once no peer reads it, and lets the gradients go.</summary>
    public void Update(Action<FlatShard> update)
    {
        Parameters.WaitForReaders();
        update(Shard);
        Gradients.Reset();
    }

    /// <summary>After all updates: gathered parameters are there before the next step begins.</summary>
    public void FinishUpdate() => Parameters.FinishUpdate();

    /// <summary>Nothing of a step stays, except buffers of collectives that are still in flight.</summary>
    /// <remarks>Does not wait: after an exception the peers may never come. <see cref="Settle"/> does, before the next step.</remarks>
    public void Reset()
    {
        Gradients.Reset();
        Parameters.Reset();
    }

    /// <summary>Waits for what a step that was given up had left in flight, and lets its buffers go.</summary>
    public void Settle()
    {
        Gradients.Settle();
        Parameters.Settle();
    }
}

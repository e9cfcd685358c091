using NetZero.Collectives;
using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>What the events of a schedule cost on a rank of a cluster.</summary>
internal sealed class DeviceEventCosts(Workload run, ClusterDescription cluster, ImplementationProfile profile, ComputeCost compute) : IEventCosts
{
    private readonly CollectiveTime _links = ProfiledLinks.Of(cluster, profile);

    // Tensor-parallel ranks are neighbours; replicas take the rest of each node.
    private readonly int _replicasInNode = Math.Clamp(cluster.DevicesPerNode / run.Layout.Tensor, 1, run.Layout.Replicas);

    public double Compute(StepSchedule schedule, ScheduleEvent e)
    {
        var root = e.Unit == 0;
        var layout = schedule.Units[e.Unit];
        return e.Kind switch
        {
            ScheduleEventKind.Forward => root ? 0 : compute.Forward,
            ScheduleEventKind.ForwardEnd => root ? compute.HeadForward : 0,
            ScheduleEventKind.Backward => root ? compute.HeadBackward : compute.Backward,
            ScheduleEventKind.Update => compute.Update(run.Stage >= 1 ? layout.ShardElements : layout.Elements),
            _ => 0,
        };
    }

    public (Lane Lane, double Seconds) Communicate(ScheduledCollective collective)
    {
        var gathers = collective.Operation == CollectiveOperation.AllGather;
        var elementBytes = !gathers ? profile.ReduceBytes : run.GathersFp8 ? 1 : Math.Max(profile.GatherBytes, run.ElementBytes);

        // Replicas of hybrid sharding are as many ranks apart as share states.
        var acrossGroups = collective.Operation == CollectiveOperation.AllReduce && run.Stage > 0;
        var inNode = acrossGroups ? Math.Max(1, _replicasInNode / run.Shards) : _replicasInNode;
        var seconds = _links.Of(collective.Operation, collective.Elements * elementBytes, collective.Ranks, inNode);
        if (gathers && run.Stage < 3 && profile.GathersBehindForward)
            seconds *= profile.Contention;
        return (collective.Ranks <= inNode ? Lane.Inside : Lane.Network, seconds);
    }
}

using NetZero.Collectives;
using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>Bytes that a rank sends in one optimizer step (and receives: as many); scalars and agreements are not counted.</summary>
/// <remarks>
/// <para>For a unit of P elements, padding included, that each forward runs once, over N = R S ranks (R replicas of groups of S, R = 1 without hybrid sharding), in M micro-batches of which m
/// are reduced (M, or 1 with <see cref="GradientReduction.LastMicroBatch"/>); ZeRO, sections 7.1 and 7.2:</para>
/// <code>
/// stage 0     reductions  m (2 (S-1)/S P + 2 (R-1)/R P)
/// stage 1, 2  reductions  m ((S-1)/S P + 2 (R-1)/R P/S)     gather after the update   (S-1)/S P
/// stage 3     reductions  m ((S-1)/S P + 2 (R-1)/R P/S)     forward gathers           M (S-1)/S P, or one with KeepGathered
///                                                           backward gathers          M (S-1)/S P; none where the unit stays whole after forward;
///                                                                                     M (k-1)/k P from a second copy within k ranks (ZeRO++, section 3.2)
/// </code>
/// <para>A frozen unit has the gathers of stage 3 alone. Buckets, prefetching and activation checkpointing change nothing: a bucket is counted as one unit of all its elements.</para>
/// </remarks>
public static class WireVolume
{
    /// <summary>Bytes sent per rank and step for one unit, or for the units of a bucket together.</summary>
    /// <param name="paddedElements">P, a multiple of the ranks of a shard group.</param>
    /// <param name="ranks">N.</param>
    /// <param name="policy">The policy as it holds for the unit: the root stays whole after forward unless an override says otherwise.</param>
    /// <param name="microBatches">M.</param>
    /// <param name="isFrozen">Whether the unit is frozen.</param>
    /// <param name="gatherBytes">Bytes of an element that is gathered.</param>
    /// <param name="reduceBytes">Bytes of an element that is reduced.</param>
    /// <exception cref="ArgumentException">The policy cannot be over so many ranks, or the elements lack their padding.</exception>
    public static long BytesPerRank(
        long paddedElements, int ranks, ShardingPolicy policy, int microBatches = 1, bool isFrozen = false, int gatherBytes = sizeof(float), int reduceBytes = sizeof(float))
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentOutOfRangeException.ThrowIfNegative(paddedElements);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ranks);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(microBatches);
        policy.Validate(ranks);
        var shards = policy.ShardGroupSize > 0 ? policy.ShardGroupSize : ranks;
        if (paddedElements % shards != 0)
            throw new ArgumentException($"{paddedElements} elements are not a multiple of the {shards} ranks that share them; count the padding of each unit.", nameof(paddedElements));
        var reductions = isFrozen ? 0 : policy.Reduction == GradientReduction.LastMicroBatch ? 1 : microBatches;
        return checked((reductions * Reduction(policy.Stage, paddedElements * reduceBytes, shards, ranks / shards))
            + Gathers(policy, paddedElements * gatherBytes, shards, microBatches, isFrozen));
    }

    private static long Reduction(int stage, long bytes, int shards, int replicas) => stage == 0
        ? WireBytes.Of(CollectiveOperation.AllReduce, bytes, shards) + WireBytes.Of(CollectiveOperation.AllReduce, bytes, replicas)
        : WireBytes.Of(CollectiveOperation.ReduceScatter, bytes, shards) + WireBytes.Of(CollectiveOperation.AllReduce, bytes / shards, replicas);

    private static long Gathers(ShardingPolicy policy, long bytes, int shards, int microBatches, bool isFrozen)
    {
        var gather = WireBytes.Of(CollectiveOperation.AllGather, bytes, shards);
        if (!policy.ShardsParameters)
            return policy.ShardsOptimizer && !isFrozen ? gather : 0;
        var backward = policy.ReshardAfterForward switch
        {
            { Keeps: true } => 0,
            { GroupSize: > 0 and var neighbours } => WireBytes.Of(CollectiveOperation.AllGather, bytes, neighbours),
            _ => gather,
        };
        return ((policy.KeepGathered ? 1 : microBatches) * gather) + (microBatches * backward);
    }
}

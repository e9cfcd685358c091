using System.Numerics;
using NetZero.Collectives;

namespace NetZero.Planning;

/// <summary>Seconds of a collective of N ranks on nodes of n ranks each: latency of its hops plus bytes over the narrowest link (the alpha-beta model).</summary>
/// <remarks>
/// R. Thakur, R. Rabenseifner, W. Gropp, "Optimization of Collective Communication Operations in MPICH", 2005, sections 3 and 4, with two kinds of links. Every device
/// has a network port of its own, so the ranks of one node together pass n times the bandwidth of one; a node receives each byte that it lacks once.
/// </remarks>
/// <param name="Cluster">Links and network.</param>
/// <param name="InsideEfficiency">The share of the nominal bandwidth inside a node that large messages reach.</param>
/// <param name="NetworkEfficiency">The same of the network.</param>
/// <param name="HopScale">Seconds of a hop relative to those of the description.</param>
public readonly record struct CollectiveTime(ClusterDescription Cluster, double InsideEfficiency = 1, double NetworkEfficiency = 1, double HopScale = 1)
{
    /// <summary>Seconds by the fastest algorithm that the operation has.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="bytes">S, bytes of the whole message.</param>
    /// <param name="ranks">N.</param>
    /// <param name="ranksPerNode">n, ranks of this group on one node.</param>
    public double Of(CollectiveOperation operation, double bytes, int ranks, int ranksPerNode)
    {
        if (ranks <= 1)
            return 0;
        var ring = By(CollectiveAlgorithm.Ring, operation, bytes, ranks, ranksPerNode);
        if (operation != CollectiveOperation.AllReduce)
            return ring;
        var best = Math.Min(ring, By(CollectiveAlgorithm.Tree, operation, bytes, ranks, ranksPerNode));
        if (ranks <= ranksPerNode)
            return Cluster.Inside.ReducesInSwitch ? Math.Min(best, By(CollectiveAlgorithm.Switch, operation, bytes, ranks, ranksPerNode)) : best;
        return Math.Min(best, By(CollectiveAlgorithm.Hierarchical, operation, bytes, ranks, ranksPerNode));
    }

    /// <summary>Seconds by one algorithm.</summary>
    /// <param name="algorithm">How.</param>
    /// <param name="operation">The operation; all but <see cref="CollectiveAlgorithm.Ring"/> are for all-reduces.</param>
    /// <param name="bytes">S, bytes of the whole message.</param>
    /// <param name="ranks">N.</param>
    /// <param name="ranksPerNode">n, ranks of this group on one node.</param>
    public double By(CollectiveAlgorithm algorithm, CollectiveOperation operation, double bytes, int ranks, int ranksPerNode)
    {
        if (ranks <= 1)
            return 0;
        var inNode = Math.Clamp(ranksPerNode, 1, ranks);
        var nodes = (ranks + inNode - 1) / inNode;
        var passes = operation == CollectiveOperation.AllReduce ? 2 : 1;
        double share = (ranks - 1.0) / ranks;
        return algorithm switch
        {
            CollectiveAlgorithm.Ring => passes * (RingHops(ranks, nodes) + Transfer(bytes * share, bytes, inNode, nodes)),
            CollectiveAlgorithm.Tree => passes * (TreeHops(inNode, nodes) + Transfer(bytes, bytes, inNode, nodes)),
            CollectiveAlgorithm.HalvingDoubling => passes * (TreeHops(inNode, nodes) + Transfer(bytes * share, bytes, inNode, nodes)),
            CollectiveAlgorithm.Hierarchical =>
                By(CollectiveAlgorithm.Ring, operation, bytes, inNode, inNode)
                + passes * (TreeHops(1, nodes) + bytes / inNode * (nodes - 1) / nodes / NetworkBytesPerSecond),
            CollectiveAlgorithm.Switch => 2 * Cluster.Inside.HopSeconds * HopScale + bytes / InsideBytesPerSecond * (1 + 1.0 / ranks),
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Unknown algorithm."),
        };
    }

    /// <summary>Seconds to send a message to one neighbour.</summary>
    public double Send(double bytes, bool withinNode) => withinNode
        ? Cluster.Inside.HopSeconds * HopScale + bytes / InsideBytesPerSecond
        : Cluster.Network.HopSeconds * HopScale + bytes / NetworkBytesPerSecond;

    private double InsideBytesPerSecond => Cluster.Inside.BytesPerSecond * InsideEfficiency;

    private double NetworkBytesPerSecond => Cluster.Network.BytesPerSecond * NetworkEfficiency / Cluster.Network.Oversubscription;

    private double RingHops(int ranks, int nodes) => HopScale * ((ranks - nodes) * Cluster.Inside.HopSeconds + (nodes > 1 ? nodes * Cluster.Network.HopSeconds : 0));

    private double TreeHops(int inNode, int nodes) => HopScale * (Levels(inNode) * Cluster.Inside.HopSeconds + Levels(nodes) * Cluster.Network.HopSeconds);

    private static int Levels(int ranks) => ranks <= 1 ? 0 : BitOperations.Log2((uint)(ranks - 1)) + 1;

    // What a device passes on inside the node, and what a node takes from the network; the narrower one decides.
    private double Transfer(double insideBytes, double bytes, int inNode, int nodes)
    {
        var inside = inNode > 1 ? insideBytes / InsideBytesPerSecond : 0;
        return nodes > 1 ? Math.Max(inside, bytes * (nodes - 1) / nodes / (inNode * NetworkBytesPerSecond)) : inside;
    }
}

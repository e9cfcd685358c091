namespace NetZero.Collectives;

/// <summary>The operations of a <see cref="ProcessGroup"/>.</summary>
public enum CollectiveOperation
{
    /// <summary>Each rank gives a shard, all get the whole.</summary>
    AllGather,

    /// <summary>Each rank gives a whole, each gets its shard of the reduction.</summary>
    ReduceScatter,

    /// <summary>Each rank gives a whole, all get the reduction.</summary>
    AllReduce,

    /// <summary>All get what the root has.</summary>
    Broadcast,

    /// <summary>Rank s's chunk r goes to rank r's chunk s.</summary>
    AllToAll,

    /// <summary>One rank's data for one other.</summary>
    Send,

    /// <summary>The other side of <see cref="Send"/>.</summary>
    Receive,

    /// <summary>Nobody goes on before all have come.</summary>
    Barrier,

    /// <summary>A reduction of a few host values (losses, norms, counts, decisions); counted apart from tensor traffic.</summary>
    AllReduceScalars,
}

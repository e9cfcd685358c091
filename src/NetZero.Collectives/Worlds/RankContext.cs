namespace NetZero.Collectives;

/// <summary>What one rank's program gets: who it is and whom it can talk to. Passed, never global.</summary>
public sealed class RankContext
{
    internal RankContext(ProcessGroup group, CancellationToken cancellation)
    {
        Group = group;
        Mesh = new DeviceMesh(group);
        Cancellation = cancellation;
    }

    /// <summary>This rank, from 0.</summary>
    public int Rank => Group.Rank;

    /// <summary>Ranks in the world.</summary>
    public int WorldSize => Group.Size;

    /// <summary>All ranks.</summary>
    public ProcessGroup Group { get; }

    /// <summary>All ranks along one axis, <c>shard</c>. Lay them out otherwise with a <see cref="DeviceMesh"/> of your own.</summary>
    public DeviceMesh Mesh { get; }

    /// <summary>Cancelled when the world stops early (cancelled by its caller, or a rank failed): pass it to what you await.</summary>
    public CancellationToken Cancellation { get; }
}

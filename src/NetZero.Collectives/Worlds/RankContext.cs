using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>What one rank's program gets: who it is and whom it can talk to. Passed, never global.</summary>
public sealed class RankContext
{
    /// <summary>A rank with a group and tensors of its own making; <see cref="World"/> makes them otherwise.</summary>
    /// <remarks>With a <see cref="FakeProcessGroup"/> and tensors on <c>Meta</c>, one rank of any world runs alone.</remarks>
    /// <param name="group">All ranks.</param>
    /// <param name="tensors">The rank's tensors; the caller disposes them.</param>
    /// <param name="cancellation">Cancelled when the rank should end early.</param>
    public RankContext(ProcessGroup group, TensorContext tensors, CancellationToken cancellation = default)
    {
        Group = group;
        Tensors = tensors;
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

    /// <summary>The rank's tensors: device, ledger, workers, scopes, random state. Disposed when the rank ends.</summary>
    public TensorContext Tensors { get; }

    /// <summary>Cancelled when the world stops early (cancelled by its caller, or a rank failed): pass it to what you await.</summary>
    public CancellationToken Cancellation { get; }
}

using NetZero.Collectives;

namespace NetZero.Sharding;

/// <summary>The ranks that share a model's states, and those that hold the same part of them: the axes of a mesh as the engine uses them.</summary>
internal sealed class ShardingGroups
{
    public const string ShardAxis = "shard";
    public const string ReplicateAxis = "replicate";

    /// <summary>What the small groups are called that keep a second copy.</summary>
    public const string SecondCopy = "reshard";

    /// <summary>The groups of a mesh with the axis <c>shard</c>, or <c>replicate</c> and <c>shard</c> in this order.</summary>
    /// <exception cref="ArgumentException">Other axes.</exception>
    public ShardingGroups(DeviceMesh mesh)
    {
        if (!mesh.Axes.SequenceEqual([ShardAxis]) && !mesh.Axes.SequenceEqual([ReplicateAxis, ShardAxis]))
        {
            throw new ArgumentException(
                $"FullyShard takes a mesh with the axis '{ShardAxis}', or '{ReplicateAxis}' and '{ShardAxis}' in this order; found {string.Join(", ", mesh.Axes.Select(a => $"'{a}'"))}.");
        }

        World = mesh.Group;
        Shard = mesh[ShardAxis];
        Replicate = mesh.Axes.Count > 1 && mesh[ReplicateAxis].Size > 1 ? mesh[ReplicateAxis] : null;
    }

    /// <summary>All ranks.</summary>
    public ProcessGroup World { get; }

    /// <summary>The ranks that states are sharded over.</summary>
    public ProcessGroup Shard { get; }

    /// <summary>The ranks that hold the same slices as this one; null where nobody else does.</summary>
    public ProcessGroup? Replicate { get; }

    /// <summary>How the group of an axis is called in errors and records: one that is all ranks is the world.</summary>
    public string NameOf(string axis) => axis == ShardAxis ? Shard.Name : axis;

    /// <summary>The neighbours among which this rank keeps a second copy of gathered parameters.</summary>
    public ProcessGroup Within(int ranks)
    {
        var first = Shard.Rank / ranks * ranks;
        return Shard.CreateSubgroup(SecondCopy, [.. Enumerable.Range(first, ranks)]);
    }

    /// <summary>The mesh that a policy asks for.</summary>
    public static DeviceMesh MeshOf(ProcessGroup group, ShardingPolicy policy) => policy.ShardGroupSize is 0 || policy.ShardGroupSize == group.Size
        ? new DeviceMesh(group, ShardAxis)
        : new DeviceMesh(group, [group.Size / policy.ShardGroupSize, policy.ShardGroupSize], [ReplicateAxis, ShardAxis]);
}

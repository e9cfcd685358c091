namespace NetZero.Sharding;

/// <summary>How many ranks there are along each axis.</summary>
/// <param name="Replicas">Groups that hold the same states; 1 without hybrid sharding.</param>
/// <param name="Shards">Ranks of one group, which share them.</param>
internal readonly record struct MeshExtent(int Replicas, int Shards)
{
    public int Ranks => Replicas * Shards;
}

namespace NetZero.Planning;

/// <summary>Sizes of the groups that share states under hybrid sharding (ZeRO++'s hpZ, FSDP's HSDP) that are worth a try.</summary>
public static class HybridGroups
{
    // The node's own size, and the next on either side of it where there is room: a group that spans nodes, or a part of one.
    private const int Most = 2;

    /// <summary>0, which is all replicas, and the proper divisors of their number that are nearest to those of a node.</summary>
    /// <param name="replicas">Ranks that hold the same parameters.</param>
    /// <param name="inNode">How many of them are on one node.</param>
    public static IReadOnlyList<int> Of(int replicas, int inNode)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(inNode, 1);
        return
        [
            0,
            .. Divisors(replicas).OrderBy(size => Math.Abs(Math.Log((double)size / inNode))).ThenBy(size => size).Take(Most).Order(),
        ];
    }

    // Proper ones: one rank shares with nobody, and all of them are no groups.
    private static IEnumerable<int> Divisors(int replicas)
    {
        for (var size = 2; size <= replicas / size; size++)
        {
            if (replicas % size != 0)
                continue;
            yield return size;
            if (replicas / size != size)
                yield return replicas / size;
        }
    }
}

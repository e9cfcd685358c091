namespace NetZero.Collectives;

/// <summary>What ranks of different processes compare in place of <see cref="CollectiveCall.Matches"/>: a hash of the same fields.</summary>
internal static class CallSignature
{
    // FNV-1a. The two sides of a pair differ in operation and peer, and their places tell them apart.
    public static ulong Of(in CollectiveCall call)
    {
        var hash = 14695981039346656037;
        Add(ref hash, (ulong)call.Sequence);
        Add(ref hash, (ulong)call.Elements);
        Add(ref hash, (ulong)call.DType);
        if (!call.IsPointToPoint)
        {
            Add(ref hash, (ulong)call.Operation + 1);
            Add(ref hash, (ulong)call.Peer);
        }

        if (call.IsReduction)
            Add(ref hash, (ulong)call.ReduceOp + 1);
        foreach (var c in call.Label.Unit)
            Add(ref hash, c);
        return hash;
    }

    private static void Add(ref ulong hash, ulong value) => hash = (hash ^ value) * 1099511628211;
}

using NetZero.Tensors;

namespace NetZero.Collectives;

// What one rank can check alone, before anybody else is involved.
public abstract unsafe partial class ProcessGroup
{
    private Dictionary<(int From, int To), long>? _pairSequences;

    /// <summary>What a call of a group of one comes to.</summary>
    protected virtual Work MoveLocally(in CollectiveBuffer from, in CollectiveBuffer to)
    {
        if (from.Pointer != to.Pointer)
            Buffer.MemoryCopy(from.Pointer, to.Pointer, to.Bytes, from.Bytes);
        return Work.Completed;
    }

    private CollectiveCall NewCall(
        CollectiveOperation operation, in CallLabel label, CallSite site, in CollectiveBuffer message, in CollectiveBuffer input, in CollectiveBuffer output,
        ReduceOp op = ReduceOp.Sum, int peer = -1, long? sequence = null) => new()
        {
            Sequence = sequence ?? _sequence++,
            Operation = operation,
            Label = label,
            Site = site,
            Elements = message.Count,
            Bytes = message.Bytes,
            DType = message.DType,
            ReduceOp = op,
            Peer = peer,
            Input = input,
            Output = output,
        };

    // Sends and receives involve two ranks only, so each ordered pair counts its own.
    private long NextPairSequence(int from, int to)
    {
        _pairSequences ??= [];
        _pairSequences.TryGetValue((from, to), out var sequence);
        _pairSequences[(from, to)] = sequence + 1;
        return sequence;
    }

    private void CheckShards(CollectiveOperation operation, in CollectiveBuffer shard, in CollectiveBuffer whole)
    {
        CheckPair(operation, "shard", shard, "whole", whole);
        if (whole.Count % Size != 0)
            throw Error(operation, $"the whole buffer has {whole.Count:N0} elements, not a multiple of {Size}; pad it");
        if (shard.Count != whole.Count / Size)
            throw Error(operation, $"the shard has {shard.Count:N0} elements, expected {whole.Count / Size:N0} (the whole has {whole.Count:N0})");
        if (shard.Overlaps(whole) && shard.Pointer != whole.Slice(Rank * shard.Count, shard.Count).Pointer)
            throw Error(operation, $"the shard overlaps the whole buffer but is not its slice {Rank}; use that slice or memory of its own");
    }

    private void CheckChunks(in CollectiveBuffer input, in CollectiveBuffer output)
    {
        const CollectiveOperation operation = CollectiveOperation.AllToAll;
        CheckPair(operation, "input", input, "output", output);
        if (input.Count % Size != 0)
            throw Error(operation, $"the input has {input.Count:N0} elements, not a multiple of {Size}; pad it");
        if (input.Count != output.Count)
            throw Error(operation, $"the output has {output.Count:N0} elements, expected {input.Count:N0} as the input");
        if (input.Overlaps(output))
            throw Error(operation, "input and output overlap; give the output memory of its own");
    }

    private void CheckPair(CollectiveOperation operation, string a, in CollectiveBuffer first, string b, in CollectiveBuffer second)
    {
        if (first.DType != second.DType)
            throw Error(operation, $"the {a} is {first.DType} and the {b} {second.DType}; convert one");
        if (first.HasData != second.HasData && first.Count > 0 && second.Count > 0)
            throw Error(operation, $"only one of {a} and {b} has data; both live on Meta or neither");
    }

    private void CheckReducible(CollectiveOperation operation, DType dtype, ReduceOp op)
    {
        if (dtype == DType.U8)
            throw Error(operation, "U8 cannot be reduced; reduce I32 or F32 instead");
        if (op == ReduceOp.Average && !dtype.IsFloatingPoint())
            throw Error(operation, $"{dtype} cannot be averaged; use Sum");
    }

    private void CheckPeer(CollectiveOperation operation, int peer, bool allowSelf)
    {
        if (peer < 0 || peer >= Size)
            throw new ArgumentOutOfRangeException(nameof(peer), peer, $"{operation} on rank {Rank} of {Size}: there is no rank {peer}.");
        if (peer == Rank && !allowSelf)
            throw new ArgumentOutOfRangeException(nameof(peer), peer, $"{operation} on rank {Rank} of {Size}: the other side must be another rank.");
    }

    private int CheckMembers(IReadOnlyList<int> ranks)
    {
        var self = -1;
        for (var i = 0; i < ranks.Count; i++)
        {
            if (ranks[i] < 0 || ranks[i] >= Size)
                throw new ArgumentException($"Subgroup of '{Name}': there is no rank {ranks[i]} among {Size}.", nameof(ranks));
            for (var j = 0; j < i; j++)
            {
                if (ranks[i] == ranks[j])
                    throw new ArgumentException($"Subgroup of '{Name}': rank {ranks[i]} appears twice.", nameof(ranks));
            }

            if (ranks[i] == Rank)
                self = i;
        }

        return self >= 0
            ? self
            : throw new ArgumentException($"Subgroup of '{Name}': rank {Rank} asks for it but is not a member.", nameof(ranks));
    }

    private ArgumentException Error(CollectiveOperation operation, string problem) =>
        new($"{operation} on rank {Rank} of {Size}: {problem}.");
}

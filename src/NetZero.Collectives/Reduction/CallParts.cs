namespace NetZero.Collectives;

/// <summary>How each operation is cut into parts that any rank can do, and how a part moves data between the published buffers.</summary>
internal static unsafe class CallParts
{
    // 128 KiB of fp32 from each rank: large enough that taking a part costs nothing, small enough that ranks finish together.
    private const long AllReduceElements = 32 * 1024;

    // Four parts a rank even out ranks that come late; more would only cost.
    private const int AllReducePartsPerRank = 4;

    /// <summary>The largest input of which a rank leaves a copy: a page. From four pages on, reading it where it lies is faster.</summary>
    public const int MostCopiedBytes = 4096;

    // Below it one rank is done before another has begun.
    private const long SmallestAllReduceElements = 256;

    /// <summary>
    /// Whether inputs are so small that a rank leaves a copy for the others: then a part is a rank's whole result, whatever the operation, and nobody waits for
    /// another's part.
    /// </summary>
    public static bool CanCopyInputs(in CollectiveCall call) =>
        call.Input is { HasData: true, Bytes: > 0 and <= MostCopiedBytes }
        && call.Operation is CollectiveOperation.AllReduce or CollectiveOperation.AllReduceScalars or CollectiveOperation.AllGather or CollectiveOperation.ReduceScatter;

    /// <summary>Into how many parts a call of <paramref name="ranks"/> ranks falls.</summary>
    public static int Count(in CollectiveCall call, int ranks, bool copied = false) => call.Operation switch
    {
        _ when copied => ranks,
        CollectiveOperation.Barrier => 0,
        CollectiveOperation.AllReduce => (int)Math.Clamp(
            call.Elements / AllReduceElements, call.Elements < SmallestAllReduceElements * ranks ? 1 : ranks, (long)AllReducePartsPerRank * ranks),
        CollectiveOperation.AllReduceScalars or CollectiveOperation.Send or CollectiveOperation.Receive => 1,
        _ => ranks,
    };

    /// <summary>The most parts that any call of so many ranks has.</summary>
    public static int Most(int ranks) => AllReducePartsPerRank * ranks;

    /// <summary>Whether part r is all of rank r's result; otherwise a result needs all parts.</summary>
    public static bool HasOwnPart(in CollectiveCall call) => call.Operation
        is CollectiveOperation.AllGather or CollectiveOperation.ReduceScatter or CollectiveOperation.AllToAll or CollectiveOperation.Broadcast;

    /// <summary>Moves the data of one part.</summary>
    /// <param name="calls">The calls of all ranks, in rank order (of sender and receiver for a pair).</param>
    /// <param name="part">Which part.</param>
    /// <param name="parts">How many there are.</param>
    /// <param name="copied">Whether the inputs are copies; see <see cref="CanCopyInputs"/>.</param>
    public static void Do(ReadOnlySpan<CollectiveCall> calls, int part, int parts, bool copied = false)
    {
        ref readonly var call = ref calls[part < calls.Length ? part : 0];
        if (call.Elements == 0 || !calls[0].Input.HasData)
            return;
        switch (call.Operation)
        {
            case CollectiveOperation.AllGather:
                for (var rank = 0; rank < calls.Length; rank++)
                    Copy(calls[rank].Input, call.Output.Slice(rank * call.Output.Count / calls.Length, calls[rank].Input.Count), call.Output.Bytes);
                break;
            case CollectiveOperation.AllToAll:
                var chunk = call.Output.Count / calls.Length;
                for (var rank = 0; rank < calls.Length; rank++)
                    Copy(calls[rank].Input.Slice(part * chunk, chunk), call.Output.Slice(rank * chunk, chunk), call.Output.Bytes);
                break;
            case CollectiveOperation.Broadcast:
                Copy(calls[call.Peer].Input, call.Output, call.Output.Bytes);
                break;
            case CollectiveOperation.Send or CollectiveOperation.Receive:
                Copy(calls[0].Input, calls[1].Output, calls[1].Output.Bytes);
                break;
            case CollectiveOperation.ReduceScatter:
                ReduceScatter(calls, part);
                break;
            case CollectiveOperation.AllReduce or CollectiveOperation.AllReduceScalars when copied:
                AllReduceForOne(calls, call.Output);
                break;
            case CollectiveOperation.AllReduce or CollectiveOperation.AllReduceScalars:
                AllReduce(calls, part, parts);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(calls), call.Operation, "Unknown operation.");
        }
    }

    private static void ReduceScatter(ReadOnlySpan<CollectiveCall> calls, int part)
    {
        ref readonly var call = ref calls[part];
        var sources = calls.Length <= 256 ? stackalloc nint[calls.Length] : new nint[calls.Length];
        for (var rank = 0; rank < calls.Length; rank++)
            sources[rank] = (nint)calls[rank].Input.Slice(part * call.Output.Count, call.Output.Count).Pointer;
        TreeReduction.Reduce(call.DType, call.ReduceOp, sources, [(nint)call.Output.Pointer], call.Output.Count);
    }

    // Each part's range is reduced once and written to every rank's buffer: 2 N S bytes touched, where a reduce-scatter
    // followed by a gather would touch (3 N - 1) S.
    private static void AllReduce(ReadOnlySpan<CollectiveCall> calls, int part, int parts)
    {
        ref readonly var call = ref calls[0];
        var start = (long)((Int128)call.Elements * part / parts);
        var count = (long)((Int128)call.Elements * (part + 1) / parts) - start;
        var scalars = call.Operation == CollectiveOperation.AllReduceScalars;
        var offset = start * (scalars ? sizeof(double) : call.Bytes / call.Elements);
        var buffers = calls.Length <= 256 ? stackalloc nint[calls.Length] : new nint[calls.Length];
        for (var rank = 0; rank < calls.Length; rank++)
            buffers[rank] = (nint)((byte*)calls[rank].Output.Pointer + offset);
        if (scalars)
            TreeReduction.ReduceDoubles(call.ReduceOp, buffers, buffers, count);
        else
            TreeReduction.Reduce(call.DType, call.ReduceOp, buffers, buffers, count);
    }

    // From copies everybody can reduce everything at once.
    private static void AllReduceForOne(ReadOnlySpan<CollectiveCall> calls, in CollectiveBuffer result)
    {
        ref readonly var call = ref calls[0];
        var inputs = calls.Length <= 256 ? stackalloc nint[calls.Length] : new nint[calls.Length];
        for (var rank = 0; rank < calls.Length; rank++)
            inputs[rank] = (nint)calls[rank].Input.Pointer;
        if (call.Operation == CollectiveOperation.AllReduceScalars)
            TreeReduction.ReduceDoubles(call.ReduceOp, inputs, [(nint)result.Pointer], call.Elements);
        else
            TreeReduction.Reduce(call.DType, call.ReduceOp, inputs, [(nint)result.Pointer], call.Elements);
    }

    private static void Copy(in CollectiveBuffer from, in CollectiveBuffer to, long resultBytes)
    {
        if (from.Pointer != to.Pointer)
            LargeCopy.Copy(from.Pointer, to.Pointer, from.Bytes, resultBytes >= LargeCopy.AroundBytes);
    }
}

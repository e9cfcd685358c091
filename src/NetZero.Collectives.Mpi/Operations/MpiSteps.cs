using NetZero.Tensors;

namespace NetZero.Collectives.Mpi;

/// <summary>Which calls of MPI do a collective's work.</summary>
internal static unsafe class MpiSteps
{
    // Tags: MPI promises 32,767 of them. Calls that overlap differ in their sequence, and one call uses a few.
    private const int TagsPerCall = 4;
    private const int TaggedCalls = 4096;

    /// <summary>Tags of what pairs exchange; above all others.</summary>
    public const int SendCheckTag = (TaggedCalls * TagsPerCall) + 1;

    /// <summary>The other direction.</summary>
    public const int ReceiveCheckTag = SendCheckTag + 1;

    private const int PairTag = SendCheckTag + 2;

    /// <summary>The work of a call whose ranks agree.</summary>
    /// <param name="comm">The group.</param>
    /// <param name="call">The call.</param>
    /// <param name="deterministic">Whether reductions follow the canonical tree; otherwise MPI reduces as it likes what it can.</param>
    public static IMpiStep Of(MpiComm comm, in CollectiveCall call, bool deterministic)
    {
        if (call.Operation == CollectiveOperation.Barrier || call.Elements == 0 || !call.Input.HasData)
            return new MpiCalls(comm.Runtime, 0, static (_, _) => { });
        return call.Operation switch
        {
            CollectiveOperation.AllGather => AllGather(comm, call),
            CollectiveOperation.AllToAll => AllToAll(comm, call),
            CollectiveOperation.Broadcast => Broadcast(comm, call),
            _ when CanReduce(call, deterministic) => call.Operation == CollectiveOperation.AllReduce ? NativeAllReduce(comm, call) : NativeReduceScatter(comm, call),
            _ => new MpiTreeReduction(comm, call, TagOf(call)),
        };
    }

    /// <summary>One side of a send and its receive.</summary>
    public static IMpiStep OfPair(MpiComm comm, in CollectiveCall call)
    {
        if (call.Elements == 0 || !call.Input.HasData)
            return new MpiCalls(comm.Runtime, 0, static (_, _) => { });
        var (peer, sends) = (call.Peer, call.Operation == CollectiveOperation.Send);
        return Pieces(comm, call, (requests, at, count, type) =>
        {
            if (sends)
                requests.Send(at, count, type, peer, PairTag, comm.Data);
            else
                requests.Receive(at, count, type, peer, PairTag, comm.Data);
        });
    }

    /// <summary>The first of a call's tags.</summary>
    public static int TagOf(in CollectiveCall call) => (int)(call.Sequence % TaggedCalls) * TagsPerCall;

    private delegate void MovePiece(MpiRequests requests, void* at, long count, nint type);

    private static MpiCalls Pieces(MpiComm comm, in CollectiveCall call, MovePiece move)
    {
        var (buffer, most) = (call.Input, comm.MostElements);
        var type = comm.Runtime.Abi.TypeOf(buffer.DType);
        return new MpiCalls(comm.Runtime, PieceCount(buffer.Count, most), (requests, piece) =>
        {
            var part = PieceOf(buffer, piece, most);
            move(requests, part.Pointer, part.Count, type);
        });
    }

    private static int PieceCount(long count, int most) => checked((int)((count + most - 1) / most));

    private static CollectiveBuffer PieceOf(in CollectiveBuffer buffer, int piece, int most) =>
        buffer.Slice((long)piece * most, Math.Min(most, buffer.Count - ((long)piece * most)));

    private static MpiCalls AllGather(MpiComm comm, CollectiveCall call)
    {
        var (shard, whole) = (call.Input, call.Output);
        var type = comm.Runtime.Abi.TypeOf(whole.DType);
        if (shard.Count > comm.MostElements)
        {
            return Exchange(
                comm, call, shard.Count, to => shard, from => from == comm.Rank && whole.Slice(from * shard.Count, shard.Count).Pointer == shard.Pointer ? default : whole.Slice(from * shard.Count, shard.Count));
        }

        return new MpiCalls(comm.Runtime, 1, (requests, _) =>
        {
            nint request = 0;
            var inPlace = whole.Slice(comm.Rank * shard.Count, shard.Count).Pointer == shard.Pointer;
            var code = MpiNative.MPI_Iallgather(
                inPlace ? comm.Runtime.Abi.InPlace : shard.Pointer, (int)shard.Count, type, whole.Pointer, (int)shard.Count, type, comm.Data, &request);
            requests.Add(code, request, nameof(MpiNative.MPI_Iallgather));
        });
    }

    private static MpiCalls AllToAll(MpiComm comm, CollectiveCall call)
    {
        var (input, output, chunk) = (call.Input, call.Output, call.Input.Count / comm.Size);
        var type = comm.Runtime.Abi.TypeOf(input.DType);
        if (chunk > comm.MostElements)
            return Exchange(comm, call, chunk, to => input.Slice(to * chunk, chunk), from => output.Slice(from * chunk, chunk));
        return new MpiCalls(comm.Runtime, 1, (requests, _) =>
        {
            nint request = 0;
            var code = MpiNative.MPI_Ialltoall(input.Pointer, (int)chunk, type, output.Pointer, (int)chunk, type, comm.Data, &request);
            requests.Add(code, request, nameof(MpiNative.MPI_Ialltoall));
        });
    }

    // What MPI's own calls cannot count: each rank's part goes to each other rank in pieces.
    private static MpiCalls Exchange(MpiComm comm, in CollectiveCall call, long each, Func<int, CollectiveBuffer> give, Func<int, CollectiveBuffer> take)
    {
        var (tag, most) = (TagOf(call), comm.MostElements);
        var type = comm.Runtime.Abi.TypeOf(call.DType);
        return new MpiCalls(comm.Runtime, PieceCount(each, most), (requests, piece) =>
        {
            for (var step = 1; step < comm.Size; step++)
            {
                var (to, from) = ((comm.Rank + step) % comm.Size, (comm.Rank + comm.Size - step) % comm.Size);
                var (given, taken) = (PieceOf(give(to), piece, most), PieceOf(take(from), piece, most));
                requests.Receive(taken.Pointer, taken.Count, type, from, tag, comm.Data);
                requests.Send(given.Pointer, given.Count, type, to, tag, comm.Data);
            }

            if (take(comm.Rank) is not { HasData: true } own)
                return;
            var (source, target) = (PieceOf(give(comm.Rank), piece, most), PieceOf(own, piece, most));
            Buffer.MemoryCopy(source.Pointer, target.Pointer, target.Bytes, source.Bytes);
        });
    }

    private static MpiCalls Broadcast(MpiComm comm, CollectiveCall call)
    {
        var (buffer, root) = (call.Input, call.Peer);
        var type = comm.Runtime.Abi.TypeOf(buffer.DType);
        return new MpiCalls(comm.Runtime, PieceCount(buffer.Count, comm.MostElements), (requests, piece) =>
        {
            nint request = 0;
            var part = PieceOf(buffer, piece, comm.MostElements);
            var code = MpiNative.MPI_Ibcast(part.Pointer, (int)part.Count, type, root, comm.Data, &request);
            requests.Add(code, request, nameof(MpiNative.MPI_Ibcast));
        });
    }

    // MPI knows no 16-bit floats, and its maximum of NaN is not ours.
    private static bool CanReduce(in CollectiveCall call, bool deterministic) =>
        !deterministic && call.Operation != CollectiveOperation.AllReduceScalars && call.ReduceOp is ReduceOp.Sum or ReduceOp.Average
        && call.DType is DType.F32 or DType.I32 or DType.I64;

    private static MpiCalls NativeAllReduce(MpiComm comm, CollectiveCall call)
    {
        var buffer = call.Output;
        var type = comm.Runtime.Abi.TypeOf(buffer.DType);
        var pieces = PieceCount(buffer.Count, comm.MostElements);
        return new MpiCalls(comm.Runtime, pieces + 1, (requests, piece) =>
        {
            if (piece == pieces)
            {
                Average(call, buffer, comm.Size);
                return;
            }

            nint request = 0;
            var part = PieceOf(buffer, piece, comm.MostElements);
            var code = MpiNative.MPI_Iallreduce(comm.Runtime.Abi.InPlace, part.Pointer, (int)part.Count, type, comm.Runtime.Abi.Sum, comm.Data, &request);
            requests.Add(code, request, nameof(MpiNative.MPI_Iallreduce));
        });
    }

    private static IMpiStep NativeReduceScatter(MpiComm comm, CollectiveCall call)
    {
        var (whole, shard) = (call.Input, call.Output);

        // In place MPI would leave the result at the front of the whole buffer, and this group leaves it at the rank's slice.
        if (shard.Count > comm.MostElements || whole.Slice(comm.Rank * shard.Count, shard.Count).Pointer == shard.Pointer)
            return new MpiTreeReduction(comm, call, TagOf(call));
        var type = comm.Runtime.Abi.TypeOf(whole.DType);
        return new MpiCalls(comm.Runtime, 2, (requests, step) =>
        {
            if (step == 1)
            {
                Average(call, shard, comm.Size);
                return;
            }

            nint request = 0;
            var code = MpiNative.MPI_Ireduce_scatter_block(whole.Pointer, shard.Pointer, (int)shard.Count, type, comm.Runtime.Abi.Sum, comm.Data, &request);
            requests.Add(code, request, nameof(MpiNative.MPI_Ireduce_scatter_block));
        });
    }

    private static void Average(in CollectiveCall call, in CollectiveBuffer buffer, int ranks)
    {
        if (call.ReduceOp == ReduceOp.Average)
            TreeReduction.ScaleSingles((float*)buffer.Pointer, 1f / ranks, buffer.Count);
    }
}

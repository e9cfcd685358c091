using System.Runtime.InteropServices;
using NetZero.Tensors;

namespace NetZero.Collectives.Mpi;

/// <summary>A reduction along the canonical tree: every rank gets all contributions to its own range, and reduces them in rank order.</summary>
/// <remarks>
/// <para>As many bytes on the wire as the bandwidth-optimal algorithms ((N-1)/N S for a reduce-scatter, twice that for an all-reduce, whose ranges are
/// then given to everybody), and N - 1 pieces of memory instead of one. Long ranges go in pieces, of which two are under way: while one is
/// reduced, the next arrives.</para>
/// <para>Scalars go the short way: everybody gets all contributions and reduces them alone.</para>
/// </remarks>
internal sealed unsafe class MpiTreeReduction : IMpiStep
{
    // Large enough that MPI reaches its rate, small enough that what arrives stays in the caches until it is reduced.
    private const long PieceBytes = 1 << 20;

    private readonly MpiComm _comm;
    private readonly CollectiveCall _call;
    private readonly int _tag;
    private readonly bool _isScalars;
    private readonly int _elementBytes;
    private readonly nint _type;
    private readonly long _pieceElements;
    private readonly int _pieces;
    private readonly Piece[] _inFlight;
    private byte* _arrived;
    private int _next;
    private int _done;

    public MpiTreeReduction(MpiComm comm, in CollectiveCall call, int tag)
    {
        _comm = comm;
        _call = call;
        _tag = tag;
        _isScalars = call.Operation == CollectiveOperation.AllReduceScalars;
        _elementBytes = (int)(call.Bytes / call.Elements);
        _type = _isScalars ? comm.Runtime.Abi.Double : comm.Runtime.Abi.TypeOf(call.DType);
        var longest = Enumerable.Range(0, comm.Size).Max(rank => Range(rank).Count);
        _pieceElements = Math.Min(Math.Min(comm.MostElements, PieceBytes / _elementBytes), longest);
        _pieces = (int)((longest + _pieceElements - 1) / _pieceElements);
        _inFlight = new Piece[Math.Min(2, _pieces)];
        for (var i = 0; i < _inFlight.Length; i++)
            _inFlight[i] = new Piece(comm.Runtime);
    }

    // Its messages have tags of their own.
    public bool HasBegunAll => true;

    private byte* Input => (byte*)_call.Input.Pointer;

    private byte* Output => (byte*)_call.Output.Pointer;

    private bool IsAllReduce => _call.Operation == CollectiveOperation.AllReduce;

    public void Begin()
    {
        _arrived = (byte*)NativeMemory.AlignedAlloc((nuint)(_inFlight.Length * (_comm.Size - 1) * _pieceElements * _elementBytes), MemoryLedger.GranuleBytes);
        while (_next < _inFlight.Length)
            BeginExchange();
    }

    public bool Advance()
    {
        // In order: every rank begins the pieces' messages in the same order, which is how MPI matches them.
        while (_done < _pieces)
        {
            var piece = _inFlight[_done % _inFlight.Length];
            if (!piece.Requests.Test())
                break;
            if (!piece.IsReduced)
            {
                Reduce(_done);
                piece.IsReduced = true;
                if (IsAllReduce)
                {
                    BeginDistribution(_done, piece.Requests);
                    continue;
                }
            }

            _done++;
            if (_next < _pieces)
                BeginExchange();
        }

        // MPI works on whatever is under way whenever it is called; what lies behind the first piece needs no look of its own.
        if (_done < _pieces)
            return false;
        NativeMemory.AlignedFree(_arrived);
        _arrived = null;
        return true;
    }

    // The elements that a rank reduces: its slice; for an all-reduce, an even share.
    private (long Start, long Count) Range(int rank)
    {
        if (_isScalars)
            return (0, _call.Elements);
        var start = (long)((Int128)_call.Elements * rank / _comm.Size);
        return (start, (long)((Int128)_call.Elements * (rank + 1) / _comm.Size) - start);
    }

    private (long Start, long Count) PieceOf(int rank, int piece)
    {
        var (start, count) = Range(rank);
        var skipped = Math.Min(count, piece * _pieceElements);
        return (start + skipped, Math.Min(_pieceElements, count - skipped));
    }

    // Where a rank's contribution to a piece of this rank's range arrives.
    private byte* Arrived(int piece, int rank) =>
        _arrived + (((piece % _inFlight.Length * (_comm.Size - 1)) + (rank > _comm.Rank ? rank - 1 : rank)) * _pieceElements * _elementBytes);

    private void BeginExchange()
    {
        var piece = _next++;
        var state = _inFlight[piece % _inFlight.Length];
        state.IsReduced = false;
        var own = PieceOf(_comm.Rank, piece);
        for (var step = 1; step < _comm.Size; step++)
        {
            var (to, from) = ((_comm.Rank + step) % _comm.Size, (_comm.Rank + _comm.Size - step) % _comm.Size);
            if (own.Count > 0)
                state.Requests.Receive(Arrived(piece, from), own.Count, _type, from, _tag, _comm.Data);
            var given = PieceOf(to, piece);
            if (given.Count > 0)
                state.Requests.Send(Input + (given.Start * _elementBytes), given.Count, _type, to, _tag, _comm.Data);
        }
    }

    private void Reduce(int piece)
    {
        var (start, count) = PieceOf(_comm.Rank, piece);
        if (count == 0)
            return;
        var sources = _comm.Size <= 256 ? stackalloc nint[_comm.Size] : new nint[_comm.Size];
        for (var rank = 0; rank < _comm.Size; rank++)
            sources[rank] = (nint)(rank == _comm.Rank ? Input + (start * _elementBytes) : Arrived(piece, rank));
        if (_isScalars)
        {
            TreeReduction.ReduceDoubles(_call.ReduceOp, sources, [(nint)Output], count);
            return;
        }

        var target = IsAllReduce ? start : start - Range(_comm.Rank).Start;
        TreeReduction.Reduce(_call.DType, _call.ReduceOp, sources, [(nint)(Output + (target * _elementBytes))], count);
    }

    // What this rank has reduced goes to all, and theirs comes to where this rank's contribution was: that was sent before, see Advance.
    private void BeginDistribution(int piece, MpiRequests requests)
    {
        var own = PieceOf(_comm.Rank, piece);
        for (var step = 1; step < _comm.Size; step++)
        {
            var (to, from) = ((_comm.Rank + step) % _comm.Size, (_comm.Rank + _comm.Size - step) % _comm.Size);
            var taken = PieceOf(from, piece);
            if (taken.Count > 0)
                requests.Receive(Output + (taken.Start * _elementBytes), taken.Count, _type, from, _tag + 1, _comm.Data);
            if (own.Count > 0)
                requests.Send(Output + (own.Start * _elementBytes), own.Count, _type, to, _tag + 1, _comm.Data);
        }
    }

    private sealed class Piece(MpiRuntime runtime)
    {
        public MpiRequests Requests { get; } = new(runtime);

        public bool IsReduced { get; set; }
    }
}

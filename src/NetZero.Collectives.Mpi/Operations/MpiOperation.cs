using System.Diagnostics;

namespace NetZero.Collectives.Mpi;

/// <summary>One call of this rank: first all compare what they call, then its data moves.</summary>
/// <remarks>The comparison costs one small message each way, and is why ranks that disagree are named where MPI would hang or damage memory.</remarks>
internal sealed unsafe class MpiOperation
{
    private readonly MpiComm _comm;
    private readonly bool _deterministic;
    private readonly MpiRequests _check;

    // In memory that stays where it is: MPI writes here between its calls.
    private readonly ulong[] _signatures;
    private readonly CollectiveCall _call;
    private IMpiStep? _step;

    public MpiOperation(MpiComm comm, in CollectiveCall call, bool deterministic, long number)
    {
        _comm = comm;
        _call = call;
        _deterministic = deterministic;
        _check = new MpiRequests(comm.Runtime);
        _signatures = GC.AllocateArray<ulong>(call.IsPointToPoint ? 2 : comm.Size, pinned: true);
        Number = number;
    }

    public ref readonly CollectiveCall Call => ref _call;

    public MpiComm Comm => _comm;

    /// <summary>Its number in the rank's history.</summary>
    public long Number { get; }

    /// <summary>Whether all ranks have come to the call.</summary>
    public bool HaveAllArrived { get; private set; }

    /// <summary>A place whose rank called something else; -1 when all agree.</summary>
    public int DifferingPlace { get; private set; } = -1;

    /// <summary>Whether nobody uses this rank's buffers any more and its result is there.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Begins to compare.</summary>
    public void BeginCheck()
    {
        var hasData = _call.Elements > 0 && _call.Input.HasData;
        var own = CallSignature.Of(_call) ^ (hasData ? 0 : ulong.MaxValue);
        fixed (ulong* all = _signatures)
        {
            var type = _comm.Runtime.Abi.Byte;
            if (_call.IsPointToPoint)
            {
                var sends = _call.Operation == CollectiveOperation.Send;
                all[0] = own;
                _check.Receive(all + 1, sizeof(ulong), type, _call.Peer, sends ? MpiSteps.ReceiveCheckTag : MpiSteps.SendCheckTag, _comm.Check);
                _check.Send(all, sizeof(ulong), type, _call.Peer, sends ? MpiSteps.SendCheckTag : MpiSteps.ReceiveCheckTag, _comm.Check);
                return;
            }

            nint request = 0;
            all[_comm.Rank] = own;
            var code = MpiNative.MPI_Iallgather(_comm.Runtime.Abi.InPlace, sizeof(ulong), type, all, sizeof(ulong), type, _comm.Check, &request);
            _check.Add(code, request, nameof(MpiNative.MPI_Iallgather));
        }
    }

    /// <summary>Lets the comparison go on; true when all have come.</summary>
    public bool AdvanceCheck()
    {
        if (HaveAllArrived || !_check.Test())
            return HaveAllArrived;
        HaveAllArrived = true;
        var own = _signatures[_call.IsPointToPoint ? 0 : _comm.Rank];
        var differing = Array.FindIndex(_signatures, signature => signature != own);
        if (differing >= 0)
            DifferingPlace = _call.IsPointToPoint ? _call.Peer : differing;
        return true;
    }

    /// <summary>Begins to move data; in the same order on all ranks.</summary>
    public void BeginMoving()
    {
        Debug.Assert(HaveAllArrived && DifferingPlace < 0, "Ranks that disagree move nothing.");
        _step = _call.IsPointToPoint ? MpiSteps.OfPair(_comm, _call) : MpiSteps.Of(_comm, _call, _deterministic);
        _step.Begin();
    }

    /// <summary>Whether the next call may begin to move data.</summary>
    public bool HasBegunAll => _step!.HasBegunAll;

    /// <summary>Lets the data move on; true when it is over.</summary>
    public bool AdvanceMoving() => IsOver = _step!.Advance();
}

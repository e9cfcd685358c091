using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>One call as one rank made it: its signature, which all ranks compare, and the rank's own memory.</summary>
/// <remarks>A transport receives calls that are already checked on their own rank; what it adds is the comparison between ranks.</remarks>
public readonly struct CollectiveCall
{
    /// <summary>The call's number: calls on one group (or, for send and receive, between one pair) are counted from 0.</summary>
    public long Sequence { get; init; }

    /// <summary>What is done.</summary>
    public CollectiveOperation Operation { get; init; }

    /// <summary>Whose call it is.</summary>
    public CallLabel Label { get; init; }

    /// <summary>Where the call stands in the program. Not compared: ranks may come to a call on different ways.</summary>
    public CallSite Site { get; init; }

    /// <summary>Elements of the whole message: of the gathered, scattered, reduced, sent or broadcast buffer.</summary>
    public long Elements { get; init; }

    /// <summary>Bytes of the whole message.</summary>
    public long Bytes { get; init; }

    /// <summary>The element type; without meaning for barriers and scalars (which are doubles).</summary>
    public DType DType { get; init; }

    /// <summary>How elements combine, for the reductions.</summary>
    public ReduceOp ReduceOp { get; init; }

    /// <summary>The root of a broadcast, the other side of a send or receive; otherwise -1.</summary>
    public int Peer { get; init; }

    /// <summary>What the rank gives.</summary>
    public CollectiveBuffer Input { get; init; }

    /// <summary>What the rank gets; the same memory as the input where the operation is in place.</summary>
    public CollectiveBuffer Output { get; init; }

    internal bool IsReduction => Operation
        is CollectiveOperation.ReduceScatter or CollectiveOperation.AllReduce or CollectiveOperation.AllReduceScalars;

    internal bool IsPointToPoint => Operation is CollectiveOperation.Send or CollectiveOperation.Receive;

    /// <summary>Whether two ranks' calls are the same call; the two sides of a send and its receive are.</summary>
    /// <remarks>Memory is not compared, except that data must exist on all ranks or on none.</remarks>
    public bool Matches(in CollectiveCall other)
    {
        if (Sequence != other.Sequence || Elements != other.Elements || DType != other.DType || Label != other.Label
            || (Elements > 0 && Input.HasData != other.Input.HasData))
            return false;
        if (IsPointToPoint)
            return other.IsPointToPoint && Operation != other.Operation;
        return Operation == other.Operation && Peer == other.Peer && (!IsReduction || ReduceOp == other.ReduceOp);
    }

    /// <summary>The call in one phrase, such as <c>AllGather #12 of 'h.3' (1,024 elements F32, 4,096 bytes)</c>.</summary>
    public override string ToString()
    {
        var what = Operation switch
        {
            CollectiveOperation.Barrier => "",
            CollectiveOperation.AllReduceScalars => $" ({ReduceOp}, {Elements:N0} scalars)",
            CollectiveOperation.Broadcast => $" (from rank {Peer}, {Elements:N0} elements {DType}, {Bytes:N0} bytes)",
            CollectiveOperation.Send => $" (to rank {Peer}, {Elements:N0} elements {DType}, {Bytes:N0} bytes)",
            CollectiveOperation.Receive => $" (from rank {Peer}, {Elements:N0} elements {DType}, {Bytes:N0} bytes)",
            _ when IsReduction => $" ({ReduceOp}, {Elements:N0} elements {DType}, {Bytes:N0} bytes)",
            _ => $" ({Elements:N0} elements {DType}, {Bytes:N0} bytes)",
        };
        var meta = Input.HasData || Elements == 0 || Operation == CollectiveOperation.Barrier ? "" : " on Meta";
        return $"{Operation} #{Sequence} of '{Label.Unit}'{what}{meta}";
    }
}

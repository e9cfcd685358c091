namespace NetZero.Collectives;

/// <summary>One call of a rank, as others read it.</summary>
/// <param name="Group">The group's name (as much of it as is kept).</param>
/// <param name="Sequence">The call's number on the group.</param>
/// <param name="Operation">What was done.</param>
/// <param name="Unit">Whose call it was (as much of the name as is kept).</param>
/// <param name="Elements">Elements of the whole message.</param>
/// <param name="Bytes">Bytes of the whole message.</param>
/// <param name="Peer">The root, or the other side of a send or receive; otherwise -1.</param>
/// <param name="Site">Where the call stands in the program.</param>
/// <param name="SecondsAgo">When the call began.</param>
/// <param name="Seconds">How long it took until the rank knew that it was over; nothing while it is under way.</param>
public readonly record struct HistoryEntry(
    string Group, long Sequence, CollectiveOperation Operation, string Unit, long Elements, long Bytes, int Peer, CallSite Site, double SecondsAgo,
    double? Seconds)
{
    /// <summary>Tells groups apart, also those of one name: the same on all ranks of a group.</summary>
    public int GroupId { get; init; }

    /// <summary>Whether two ranks made the same call, as far as records tell.</summary>
    internal bool Agrees(in HistoryEntry other) =>
        Operation == other.Operation && Unit == other.Unit && Elements == other.Elements && Bytes == other.Bytes && Peer == other.Peer;

    /// <summary>Whether it is a send or a receive.</summary>
    internal bool IsPair => Operation is CollectiveOperation.Send or CollectiveOperation.Receive;

    /// <summary>The call in one phrase, such as <c>AllGather #12 of 'h.3' (1,024 elements, 4,096 bytes) in group 'world' at Unit.cs:40, 0.3 s ago, not over</c>.</summary>
    public override string ToString() =>
        $"{Operation} #{Sequence} of '{Unit}' ({Elements:N0} elements, {Bytes:N0} bytes) in group '{Group}' at {Site}, {SecondsAgo:F1} s ago"
        + (Seconds is null ? ", not over" : "");
}

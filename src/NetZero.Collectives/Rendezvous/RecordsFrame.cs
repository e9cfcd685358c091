namespace NetZero.Collectives;

/// <summary>A rank's latest calls as they travel: <see cref="FrameKind.Records"/>.</summary>
internal static class RecordsFrame
{
    public static void Write(BinaryWriter writer, int rank, IReadOnlyList<HistoryEntry> calls)
    {
        writer.Write(rank);
        writer.Write(Environment.ProcessId);
        writer.Write(calls.Count);
        foreach (var call in calls)
        {
            writer.Write(call.Group);
            writer.Write(call.Sequence);
            writer.Write((int)call.Operation);
            writer.Write(call.Unit);
            writer.Write(call.Elements);
            writer.Write(call.Bytes);
            writer.Write(call.Peer);
            writer.Write(call.Site.File);
            writer.Write(call.Site.Line);
            writer.Write(call.SecondsAgo);
            writer.Write(call.Seconds ?? -1);
            writer.Write(call.GroupId);
        }
    }

    public static RankHistory Read(BinaryReader reader)
    {
        var (rank, process) = (reader.ReadInt32(), reader.ReadInt32());
        var calls = new HistoryEntry[reader.ReadInt32()];
        for (var i = 0; i < calls.Length; i++)
        {
            calls[i] = new HistoryEntry(
                reader.ReadString(), reader.ReadInt64(), (CollectiveOperation)reader.ReadInt32(), reader.ReadString(), reader.ReadInt64(), reader.ReadInt64(),
                reader.ReadInt32(), new CallSite(reader.ReadString(), reader.ReadInt32()), reader.ReadDouble(),
                reader.ReadDouble() is >= 0 and var seconds ? seconds : null)
            {
                GroupId = reader.ReadInt32(),
            };
        }

        // The process may be one of another machine, of whose state this one knows nothing.
        return new RankHistory(rank, process, null, calls);
    }
}

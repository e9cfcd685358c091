using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace NetZero.Collectives;

/// <summary>A rank's latest calls, in memory that others read at any time, also when the rank hangs or has died.</summary>
/// <remarks>
/// The rank alone writes. An entry's number is taken away before it is overwritten and put back afterwards, so that a reader who finds the same
/// number before and after reading has a whole entry.
/// </remarks>
internal readonly unsafe struct CallHistory(byte* address)
{
    /// <summary>Calls that are kept.</summary>
    public const int Capacity = 512;

    /// <summary>Bytes of a history.</summary>
    public const int Bytes = HeaderBytes + (Capacity * EntryBytes);

    private const int HeaderBytes = 128;
    private const int EntryBytes = 192; // all are used
    private const int NameBytes = 40;
    private const int FileBytes = 36;

    // The machine's clock since it started, the same in every process.
    private static long Now => Stopwatch.GetTimestamp();

    private ref long Count => ref *(long*)address;

    /// <summary>Notes that a call begins.</summary>
    /// <param name="group">The group's name.</param>
    /// <param name="groupId">See <see cref="HistoryEntry.GroupId"/>.</param>
    /// <param name="call">The call.</param>
    /// <returns>Its number in the history.</returns>
    public long Begin(string group, int groupId, in CollectiveCall call)
    {
        var number = Count;
        ref var entry = ref EntryAt(number);
        Volatile.Write(ref entry.Number, 0);
        entry.Started = Now;
        entry.Ended = 0;
        entry.Sequence = call.Sequence;
        entry.Elements = call.Elements;
        entry.Bytes = call.Bytes;
        entry.Operation = (int)call.Operation;
        entry.Peer = call.Peer;
        entry.GroupId = groupId;
        fixed (byte* text = entry.Group)
            entry.GroupLength = SharedCall.WriteLabel(group, new Span<byte>(text, NameBytes));
        fixed (byte* text = entry.Unit)
            entry.UnitLength = SharedCall.WriteLabel(call.Label.Unit, new Span<byte>(text, NameBytes));
        fixed (byte* text = entry.File)
            entry.FileLength = SharedCall.WriteLabel(call.Site.FileName, new Span<byte>(text, FileBytes));
        entry.Line = call.Site.Line;
        Volatile.Write(ref entry.Number, number + 1);
        Volatile.Write(ref Count, number + 1);
        return number;
    }

    /// <summary>Notes that a call is over.</summary>
    public void End(long number)
    {
        ref var entry = ref EntryAt(number);
        if (entry.Number == number + 1)
            Volatile.Write(ref entry.Ended, Now);
    }

    /// <summary>The calls that are kept, oldest first.</summary>
    public IReadOnlyList<HistoryEntry> Read()
    {
        var count = Volatile.Read(ref Count);
        var entries = new List<HistoryEntry>();
        for (var number = Math.Max(0, count - Capacity); number < count; number++)
        {
            ref var shared = ref EntryAt(number);
            if (Volatile.Read(ref shared.Number) != number + 1)
                continue;
            var copy = shared;
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref shared.Number) == number + 1)
                entries.Add(copy.ToEntry());
        }

        return entries;
    }

    private ref Entry EntryAt(long number) => ref *(Entry*)(address + HeaderBytes + (number % Capacity * EntryBytes));

    [StructLayout(LayoutKind.Sequential, Size = EntryBytes)]
    private struct Entry
    {
        public long Number;
        public long Started;
        public long Ended;
        public long Sequence;
        public long Elements;
        public long Bytes;
        public int Operation;
        public int Peer;
        public int GroupLength;
        public int UnitLength;
        public fixed byte Group[NameBytes];
        public fixed byte Unit[NameBytes];
        public int FileLength;
        public int Line;
        public fixed byte File[FileBytes];
        public int GroupId;

        public HistoryEntry ToEntry()
        {
            fixed (byte* group = Group, unit = Unit, file = File)
            {
                return new HistoryEntry(
                    Encoding.UTF8.GetString(group, GroupLength), Sequence, (CollectiveOperation)Operation, Encoding.UTF8.GetString(unit, UnitLength),
                    Elements, Bytes, Peer, new CallSite(Encoding.UTF8.GetString(file, FileLength), Line), Stopwatch.GetElapsedTime(Started).TotalSeconds,
                    Ended == 0 ? null : Stopwatch.GetElapsedTime(Started, Ended).TotalSeconds)
                {
                    GroupId = GroupId,
                };
            }
        }
    }
}

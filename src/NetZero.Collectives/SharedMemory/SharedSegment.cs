using System.Text;

namespace NetZero.Collectives;

/// <summary>The memory in which the ranks of one machine meet: who they are, what they called last, and the boards of their groups.</summary>
/// <remarks>
/// Laid out as a header, one area a rank, and boards, which are added as groups are opened and never move. Every number in it is written by one side
/// and read by others, or changed with interlocked operations; there are no locks that a dying process could keep, except while a group is opened.
/// </remarks>
internal sealed unsafe class SharedSegment(SharedMapping mapping) : IDisposable
{
    /// <summary>Changes with the layout: ranks of another version are refused when they join.</summary>
    public const int Version = 3;

    /// <summary>A cache line and its neighbour, which processors fetch together.</summary>
    public const int LineBytes = 128;

    /// <summary>Nobody has stopped the world.</summary>
    public const int Nobody = -1;

    /// <summary>Who asked for the run has stopped it.</summary>
    public const int Caller = -2;

    private const ulong Magic = 0x30_5A_4E_54_45_4E_5A_4E;
    // New memory is zero, which stands for nobody.
    private const int StopBias = 1;
    private const int HeaderBytes = 4096;
    private const int GroupBytes = 16;
    private const int MostGroups = 4096;

    private Header* Head => (Header*)mapping.Address;

    private GroupEntry* Groups => (GroupEntry*)(mapping.Address + HeaderBytes);

    /// <summary>Bytes of a segment for a world. The most part is boards, of which only what is used takes memory.</summary>
    public static long BytesFor(int worldSize) => (1L << 30) + BytesWithoutBoards(worldSize);

    /// <summary>Bytes of a segment that holds no more than what ranks have called.</summary>
    public static long BytesWithoutBoards(int worldSize) => HeaderBytes + (MostGroups * GroupBytes) + ((long)worldSize * RankArea.Bytes);

    /// <summary>Writes the header into new memory.</summary>
    public void Format(int worldSize)
    {
        Head->Version = Version;
        Head->WorldSize = worldSize;
        Head->Used = BytesWithoutBoards(worldSize);
        Volatile.Write(ref Head->Magic, Magic);
    }

    /// <summary>How many ranks there are.</summary>
    public int WorldSize => Head->WorldSize;

    /// <summary>Checks what another rank wrote.</summary>
    /// <exception cref="InvalidDataException">It is something else, or of another version or world.</exception>
    public void Check(int worldSize)
    {
        CheckVersion();
        if (Head->WorldSize != worldSize)
            throw new InvalidDataException($"The shared segment is for {Head->WorldSize} ranks; this rank expects {worldSize}.");
    }

    /// <summary>Checks that this program can read it at all.</summary>
    /// <exception cref="InvalidDataException">It is something else, or of another version.</exception>
    public void CheckVersion()
    {
        if (mapping.Bytes < HeaderBytes || Volatile.Read(ref Head->Magic) != Magic)
            throw new InvalidDataException($"'{mapping.Path}' is no segment of NetZero.");
        if (Head->Version != Version)
            throw new InvalidDataException($"The shared segment is of version {Head->Version}; this program expects version {Version}.");
    }

    /// <summary>The rank because of which the world has stopped, <see cref="Caller"/> or <see cref="Nobody"/>.</summary>
    public int StoppedBy => Volatile.Read(ref Head->StoppedBy) - StopBias;

    /// <summary>Stops the world because of a rank. The first cause counts.</summary>
    public void Stop(int because) => Interlocked.CompareExchange(ref Head->StoppedBy, because + StopBias, Nobody + StopBias);

    /// <summary>The part of one rank.</summary>
    public RankArea AreaOf(int rank) => new(mapping.Address + HeaderBytes + (MostGroups * GroupBytes) + ((long)rank * RankArea.Bytes));

    /// <summary>All ranks that have come, for reports.</summary>
    public RankHistory[] Describe() =>
        [.. Enumerable.Range(0, Head->WorldSize).Where(rank => AreaOf(rank).ProcessId != 0).Select(rank => AreaOf(rank).Describe(rank))];

    /// <summary>The board of a group, made by the first of its ranks to ask.</summary>
    /// <param name="key">The group's name and members.</param>
    /// <param name="bytes">What the board takes, the same for all that ask.</param>
    /// <param name="format">Writes a new board.</param>
    /// <param name="throwIfStopped">Looked at while another rank is at it.</param>
    public byte* OpenBoard(string key, long bytes, Action<nint> format, Action throwIfStopped)
    {
        var hash = HashOf(key);
        while (Interlocked.CompareExchange(ref Head->Lock, 1, 0) != 0)
        {
            throwIfStopped();
            Thread.Sleep(0); // lets the holder run: it opens a board, which takes microseconds
        }

        try
        {
            for (var i = 0; i < Head->GroupCount; i++)
            {
                if (Groups[i].Hash == hash)
                    return mapping.Address + Groups[i].Offset;
            }

            var start = (Head->Used + LineBytes - 1) / LineBytes * LineBytes;
            if (Head->GroupCount == MostGroups || start + bytes > mapping.Bytes)
                throw new InvalidOperationException($"The shared segment has no room for one more group; {Head->GroupCount} are open.");
            format((nint)(mapping.Address + start));
            Groups[Head->GroupCount] = new GroupEntry { Hash = hash, Offset = start };
            Head->Used = start + bytes;
            Head->GroupCount++;
            return mapping.Address + start;
        }
        finally
        {
            Volatile.Write(ref Head->Lock, 0);
        }
    }

    public void Dispose() => mapping.Dispose();

    private static ulong HashOf(string key)
    {
        var hash = 14695981039346656037;
        foreach (var b in Encoding.UTF8.GetBytes(key))
            hash = (hash ^ b) * 1099511628211;
        return hash;
    }

    private struct Header
    {
        public ulong Magic;
        public int Version;
        public int WorldSize;
        public long Used;
        public int Lock;
        public int GroupCount;
        public int StoppedBy;
    }

    private struct GroupEntry
    {
        public ulong Hash;
        public long Offset;
    }
}

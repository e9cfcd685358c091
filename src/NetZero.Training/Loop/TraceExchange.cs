using System.Diagnostics;
using System.Text;
using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>
/// Brings the trace events of ranks that are processes to rank 0, which writes them all, over whatever carries the ranks' data.
/// </summary>
/// <param name="rank">The rank.</param>
/// <param name="writer">The trace; null on all ranks but rank 0.</param>
internal sealed unsafe class TraceExchange(RankContext rank, TraceWriter? writer)
{
    // Ranks leave a barrier at about the same time, some later than others by chance; the median does not depend on who was late once.
    private const int ClockRounds = 15;

    private readonly MemoryStream _events = new();

    /// <summary>Takes an event of this rank.</summary>
    public void Add(in TraceEvent e)
    {
        if (writer is not null)
        {
            writer.Write(e);
            return;
        }

        using var bytes = new BinaryWriter(_events, Encoding.UTF8, leaveOpen: true);
        bytes.Write(e.Name);
        bytes.Write(e.Unit);
        bytes.Write(e.Bytes);
        bytes.Write(e.StartMicroseconds);
        bytes.Write(e.DurationMicroseconds);
        foreach (var (kind, _) in KindBytes.Names)
            bytes.Write(e.Live[kind]);
    }

    /// <summary>Rank 0 gets and writes what the others have added since the last time. Every rank calls it.</summary>
    public void Share()
    {
        var lengths = new double[rank.WorldSize];
        lengths[rank.Rank] = _events.Length;
        rank.Group.AllReduce("trace", lengths, ReduceOp.Sum);
        if (rank.Rank > 0 && _events.Length > 0)
        {
            fixed (byte* first = _events.GetBuffer())
                rank.Group.Send("trace", new CollectiveBuffer(first, _events.Length, DType.U8), to: 0).Wait();
            _events.SetLength(0);
        }

        for (var other = 1; rank.Rank == 0 && other < rank.WorldSize; other++)
        {
            if (lengths[other] == 0)
                continue;
            var bytes = new byte[(int)lengths[other]];
            fixed (byte* first = bytes)
                rank.Group.Receive("trace", new CollectiveBuffer(first, bytes.Length, DType.U8), from: other).Wait();
            Write(other, bytes);
        }
    }

    /// <summary>When the run began on rank 0, by this process's clock. Every rank calls it.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="started">When it began here, in ticks of <see cref="Stopwatch"/>; only rank 0's counts.</param>
    /// <param name="isOneMachine">
    /// Whether all ranks have the same clock. Otherwise clocks are compared where the ranks leave barriers, about a message's time apart.
    /// </param>
    public static long Origin(RankContext rank, long started, bool isOneMachine)
    {
        double[] origin = [rank.Rank == 0 ? started : 0];
        rank.Group.AllReduce("trace", origin, ReduceOp.Sum);
        if (isOneMachine)
            return (long)origin[0];
        var ahead = new double[ClockRounds];
        for (var round = 0; round < ClockRounds; round++)
        {
            rank.Group.Barrier("trace");
            var now = new double[rank.WorldSize];
            now[rank.Rank] = Stopwatch.GetTimestamp();
            rank.Group.AllReduce("trace", now, ReduceOp.Sum);
            ahead[round] = now[rank.Rank] - now[0];
        }

        Array.Sort(ahead);
        return (long)(origin[0] + ahead[ClockRounds / 2]);
    }

    private void Write(int other, byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        var live = new long[MemoryLedger.KindCount];
        while (reader.BaseStream.Position < bytes.Length)
        {
            var (name, unit) = (reader.ReadString(), reader.ReadString());
            var (moved, start, duration) = (reader.ReadInt64(), reader.ReadDouble(), reader.ReadDouble());
            foreach (var (kind, _) in KindBytes.Names)
                live[(int)kind] = reader.ReadInt64();
            writer!.Write(new TraceEvent(other, name, unit, moved, start, duration, new KindBytes(live, live.Sum())));
        }
    }
}

using System.Diagnostics;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Takes an event of a rank.</summary>
internal delegate void TraceSink(in TraceEvent e);

/// <summary>Hands one rank's schedule events to the trace.</summary>
/// <param name="write">Takes them.</param>
/// <param name="ledger">The rank's memory.</param>
/// <param name="rank">The rank.</param>
/// <param name="origin">The run's start, in ticks of <see cref="Stopwatch"/>.</param>
internal sealed class TraceRecorder(TraceSink write, MemoryLedger ledger, int rank, long origin) : IScheduleObserver
{
    public void OnEvent(in ScheduleRecord record) => write(new TraceEvent(
        rank, TraceNames.Of(record.Event.Kind), record.Unit, record.Bytes, Microseconds(record.Start - origin), Microseconds(record.End - record.Start),
        KindBytes.LiveOf(ledger)));

    private static double Microseconds(long ticks) => ticks * (1e6 / Stopwatch.Frequency);
}

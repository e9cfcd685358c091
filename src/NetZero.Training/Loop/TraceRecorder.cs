using System.Diagnostics;
using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>Hands one rank's schedule events to the trace.</summary>
/// <param name="writer">The trace of all ranks.</param>
/// <param name="rank">The rank.</param>
/// <param name="origin">The run's start, in ticks of <see cref="Stopwatch"/>.</param>
internal sealed class TraceRecorder(TraceWriter writer, int rank, long origin) : IScheduleObserver
{
    public void OnEvent(in ScheduleRecord record) => writer.Write(new TraceEvent(
        rank, record.Event.Kind.ToString(), record.Unit, record.Bytes, Microseconds(record.Start - origin), Microseconds(record.End - record.Start)));

    private static double Microseconds(long ticks) => ticks * (1e6 / Stopwatch.Frequency);
}

namespace NetZero.Sharding;

/// <summary>Told what the engine does, event by event, on the rank's thread: for traces and tests.</summary>
public interface IScheduleObserver
{
    /// <summary>An event is about to happen.</summary>
    void OnStarting(in ScheduleEvent scheduled, string unit)
    {
    }

    /// <summary>An event of the schedule has happened: all of them, in the schedule's order, but the passes that were left out (of conditional blocks, second runs that nobody needs, and the boundaries of a micro-batch that <see cref="TrainingStep.SkipMicroBatch"/> skips).</summary>
    void OnEvent(in ScheduleRecord record);
}

/// <summary>An event as it happened.</summary>
/// <param name="Event">The event.</param>
/// <param name="Unit">The unit's name.</param>
/// <param name="Bytes">Bytes of the unit's flat buffer, where the event moves or holds it.</param>
/// <param name="Start">
/// When it began, in ticks of <see cref="System.Diagnostics.Stopwatch"/>. Forward and Backward last while the unit's parameters are waited for; ForwardEnd, BackwardEnd
/// and RecomputeEnd began with their beginnings, so they span the unit's whole pass.
/// </param>
/// <param name="End">When it ended.</param>
public readonly record struct ScheduleRecord(ScheduleEvent Event, string Unit, long Bytes, long Start, long End);

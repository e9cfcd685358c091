namespace NetZero.Sharding;

/// <summary>Told what the engine does, event by event, on the rank's thread: for traces and tests.</summary>
public interface IScheduleObserver
{
    /// <summary>An event has happened. Forward and Backward are reported when they end and span the unit's whole pass.</summary>
    void OnEvent(in ScheduleRecord record);
}

/// <summary>An event as it happened.</summary>
/// <param name="Event">The event.</param>
/// <param name="Unit">The unit's name.</param>
/// <param name="Bytes">Bytes of the unit's flat buffer, where the event moves or holds it.</param>
/// <param name="Start">When it began, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</param>
/// <param name="End">When it ended.</param>
public readonly record struct ScheduleRecord(ScheduleEvent Event, string Unit, long Bytes, long Start, long End);

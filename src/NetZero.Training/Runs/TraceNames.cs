using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>What a trace calls the schedule's events: spans have the name of what fills them.</summary>
internal static class TraceNames
{
    /// <summary>The name of an event.</summary>
    public static string Of(ScheduleEventKind kind) => kind switch
    {
        ScheduleEventKind.Forward or ScheduleEventKind.Backward or ScheduleEventKind.Recompute => "Wait",
        ScheduleEventKind.ForwardEnd => "Forward",
        ScheduleEventKind.BackwardEnd => "Backward",
        ScheduleEventKind.RecomputeEnd => "Recompute",
        _ => kind.ToString(),
    };
}

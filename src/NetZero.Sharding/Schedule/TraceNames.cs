namespace NetZero.Sharding;

/// <summary>What traces, measured and planned, call the schedule's events: spans have the name of what fills them.</summary>
public static class TraceNames
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

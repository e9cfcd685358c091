namespace NetZero.Sharding;

/// <summary>A stretch of a step: the forward or the backward pass of a micro-batch, or the update.</summary>
/// <param name="Kind">Forward, Backward or Update.</param>
/// <param name="MicroBatch">The micro-batch, from 0.</param>
/// <param name="Start">The index of its first event.</param>
/// <param name="Count">How many events it has.</param>
public readonly record struct SchedulePhase(ScheduleEventKind Kind, int MicroBatch, int Start, int Count)
{
    /// <summary>Cuts the events of a step: a forward pass ends with the forward of the root, the first unit; a backward pass with its micro-batch or the first update.</summary>
    internal static IReadOnlyList<SchedulePhase> Of(IReadOnlyList<ScheduleEvent> events)
    {
        var phases = new List<SchedulePhase>();
        for (int start = 0, next; start < events.Count; start = next)
        {
            var first = events[start];
            var kind = first.Kind == ScheduleEventKind.Update ? ScheduleEventKind.Update
                : phases is [.., { Kind: ScheduleEventKind.Forward } before] && before.MicroBatch == first.MicroBatch ? ScheduleEventKind.Backward
                : ScheduleEventKind.Forward;
            for (next = start + 1; next < events.Count && !Ends(kind, first, events[next - 1], events[next]); next++)
            {
            }

            phases.Add(new SchedulePhase(kind, first.MicroBatch, start, next - start));
        }

        return phases;
    }

    private static bool Ends(ScheduleEventKind phase, ScheduleEvent first, ScheduleEvent last, ScheduleEvent next) => phase switch
    {
        ScheduleEventKind.Forward => last is { Kind: ScheduleEventKind.ForwardEnd, Unit: 0 } || next.MicroBatch != first.MicroBatch,
        ScheduleEventKind.Backward => next.Kind == ScheduleEventKind.Update || next.MicroBatch != first.MicroBatch,
        _ => false,
    };
}

using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>What the events of a schedule cost on one rank.</summary>
internal interface IEventCosts
{
    /// <summary>Seconds that a rank computes at an event; 0 for events that only keep books.</summary>
    double Compute(StepSchedule schedule, ScheduleEvent e);

    /// <summary>Seconds of a collective, and what it passes through.</summary>
    (Lane Lane, double Seconds) Communicate(ScheduledCollective collective);
}

/// <summary>Turns a step's schedule into tasks: what waits for what follows from the order of events and nothing else.</summary>
/// <remarks>
/// A collective starts once what stands before it in the program has run; a forward or backward waits for its unit's gather; taking gradients over waits for their
/// reduction. The root's forward and backward enclose those of the blocks: its work is the head's, which follows the last block and comes before it in backward.
/// </remarks>
internal static class StepTasks
{
    /// <summary>The tasks in program order.</summary>
    public static IReadOnlyList<SimulatedTask> Of(StepSchedule schedule, IEventCosts costs)
    {
        var tasks = new List<SimulatedTask>(schedule.Events.Count);
        var gathered = new int[schedule.Units.Count];
        var reduced = new int[schedule.Units.Count];
        Array.Fill(gathered, -1);
        Array.Fill(reduced, -1);
        var program = -1;
        using var collectives = schedule.Collectives().GetEnumerator();
        foreach (var e in schedule.Events)
        {
            var name = schedule.Units[e.Unit].Name;
            if (e.IsCollective)
            {
                collectives.MoveNext();
                var (lane, seconds) = costs.Communicate(collectives.Current);

                // Across replicas a slice is reduced after the reduce-scatter that made it.
                tasks.Add(new SimulatedTask(e.Kind.ToString(), name, lane, seconds, program, e.Kind == ScheduleEventKind.AllReduce ? reduced[e.Unit] : -1));
                (e.Kind == ScheduleEventKind.AllGather ? gathered : reduced)[e.Unit] = tasks.Count - 1;
                continue;
            }

            var waits = e.Kind == ScheduleEventKind.Accumulate ? reduced[e.Unit] : e.IsBoundary ? gathered[e.Unit] : -1;
            var work = costs.Compute(schedule, e);
            if (work <= 0 && waits < 0)
                continue;
            tasks.Add(new SimulatedTask(e.Kind.ToString(), name, Lane.Compute, work, program, waits));
            program = tasks.Count - 1;
        }

        return tasks;
    }
}

namespace NetZero.Sharding;

/// <summary>What happens at one point of a training step.</summary>
public enum ScheduleEventKind
{
    /// <summary>Start gathering a unit's parameters; its forward or backward waits for them. Also after an update, where parameters are replicated.</summary>
    AllGather,

    /// <summary>The unit's forward begins (for the root: encloses those of the blocks).</summary>
    Forward,

    /// <summary>The unit's forward has ended.</summary>
    ForwardEnd,

    /// <summary>The unit's gathered parameters are let go, and a second copy of them, if there is one.</summary>
    Release,

    /// <summary>The unit's gathered parameters are cut down to this rank's part of a second copy; the next gather is one within the small group that keeps it.</summary>
    Reshard,

    /// <summary>The unit's backward begins; its gradient buffer is there from here on.</summary>
    Backward,

    /// <summary>Inside its backward, a checkpointed unit's forward begins to run again, over the parameters that backward has gathered.</summary>
    Recompute,

    /// <summary>The forward has run again.</summary>
    RecomputeEnd,

    /// <summary>All gradients of the unit are complete on this rank.</summary>
    BackwardEnd,

    /// <summary>Copy the unit's gradients into the buffer of its bucket.</summary>
    Pack,

    /// <summary>Start reducing the gradients of the unit, or of the bucket that it closes, to slices.</summary>
    ReduceScatter,

    /// <summary>Start reducing the gradients of the unit, or of the bucket that it closes: whole at stage 0; and under hybrid sharding, over the replicas, what the reduction within the group left.</summary>
    AllReduce,

    /// <summary>Take over the reduced gradients: wait for them, add them to the sum, let the buffers go where only a slice is kept.</summary>
    Accumulate,

    /// <summary>The optimizer updates the unit's parameters.</summary>
    Update,
}

/// <summary>One event of a <see cref="StepSchedule"/>.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Unit">The index of the unit, in the schedule's <see cref="StepSchedule.Units"/>.</param>
/// <param name="MicroBatch">The micro-batch, from 0; the last one's number for updates.</param>
public readonly record struct ScheduleEvent(ScheduleEventKind Kind, int Unit, int MicroBatch)
{
    /// <summary>Whether the program reports it (a module begins or ends) instead of the engine doing it.</summary>
    public bool IsBoundary => Kind is ScheduleEventKind.Forward or ScheduleEventKind.ForwardEnd or ScheduleEventKind.Backward or ScheduleEventKind.BackwardEnd
        or ScheduleEventKind.Recompute or ScheduleEventKind.RecomputeEnd;

    /// <summary>Whether it starts a collective.</summary>
    public bool IsCollective => Kind is ScheduleEventKind.AllGather or ScheduleEventKind.ReduceScatter or ScheduleEventKind.AllReduce;
}

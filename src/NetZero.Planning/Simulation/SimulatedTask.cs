namespace NetZero.Planning;

/// <summary>What a task occupies.</summary>
public enum Lane
{
    /// <summary>The device's arithmetic.</summary>
    Compute,

    /// <summary>Links inside a node.</summary>
    Inside,

    /// <summary>The network between nodes.</summary>
    Network,
}

/// <summary>One piece of work of a rank; tasks of one lane run in the order in which they were added.</summary>
/// <param name="Name">The schedule's event, such as <c>AllGather</c>.</param>
/// <param name="Unit">The unit it belongs to.</param>
/// <param name="Lane">What it occupies.</param>
/// <param name="Seconds">How long it takes alone.</param>
/// <param name="After">Tasks that end before it begins, by index; -1 is none.</param>
/// <param name="AlsoAfter">A second such task.</param>
/// <param name="IsCommunication">Whether the lane of compute communicates here: on a host, where ranks move bytes themselves.</param>
public readonly record struct SimulatedTask(string Name, string Unit, Lane Lane, double Seconds, int After = -1, int AlsoAfter = -1, bool IsCommunication = false)
{
    /// <summary>The name of reading a micro-batch.</summary>
    public const string LoadName = "Load";
}

/// <summary>When a task ran.</summary>
/// <param name="Task">The task.</param>
/// <param name="Start">Seconds from the step's beginning.</param>
/// <param name="End">Seconds from the step's beginning.</param>
public readonly record struct TimedTask(SimulatedTask Task, double Start, double End);

using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What is asked of one run beyond its configuration: nothing here changes a number.</summary>
public sealed record TrainingOptions
{
    /// <summary>Whether a run that the output folder already holds is replaced. Otherwise it is an error.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether <c>trace.json</c> is written.</summary>
    public bool Trace { get; init; }

    /// <summary>What the ranks compute on. The run's summary is sampled on the processor.</summary>
    public Device Device { get; init; } = Device.Cpu;

    /// <summary>Which rank this process is, where ranks are processes; null where they are threads of this one.</summary>
    public WorkerEnvironment? Worker { get; init; }

    /// <summary>
    /// Where the run goes on from: a checkpoint, a folder of them, a run's folder or the like in a store, or <c>auto</c> for the newest of its own folder and store that verifies;
    /// null begins anew.
    /// </summary>
    public string? Resume { get; init; }

    /// <summary>When cancelled, the run saves a checkpoint after the step at hand and ends. Where <c>checkpoint</c> is off there is nothing to save, and it ends at once.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Whether this process writes the run's files: not if it is one of several and not the first.</summary>
    internal bool Writes => Worker is not { Rank: > 0 };

    /// <summary>
    /// Opens the object stores that <c>checkpoint.store</c> and <see cref="Resume"/> may name, such as <c>S3CheckpointStore.Open</c> of NetZero.Stores; null where there are none.
    /// </summary>
    public OpenCheckpointStore? Stores { get; init; }

    /// <summary>Where the run may begin, if it is to go on.</summary>
    internal ResumePlan? ResumePlan(RunConfiguration run, RunStores stores) => Resume is null ? null : Training.ResumePlan.Find(Resume, RunFolder.PathOf(run), stores);
}

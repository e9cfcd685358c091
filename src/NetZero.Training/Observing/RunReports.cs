using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>A run that is about to begin.</summary>
/// <param name="Configuration">What was asked for, complete.</param>
/// <param name="OutputDirectory">Where the run is written, in full.</param>
/// <param name="ParameterCount">Elements of all parameters.</param>
/// <param name="TextTokens">Tokens of the training text.</param>
/// <param name="SampleCount">Samples of the training text.</param>
/// <param name="Skipped">Files and folders that were passed over.</param>
public sealed record RunStart(
    RunConfiguration Configuration, string OutputDirectory, long ParameterCount, long TextTokens, long SampleCount,
    IReadOnlyList<SkippedPath> Skipped)
{
    /// <summary>Elements of the adapters that are trained in the place of the model; 0 where the model itself is.</summary>
    public long AdapterParameterCount { get; init; }
}

/// <summary>Where a run that was to go on begins.</summary>
/// <param name="Folder">The folder of checkpoints that was looked at, in full.</param>
/// <param name="Checkpoint">The checkpoint that was loaded, in full; null where there was none, and the run begins at its beginning.</param>
/// <param name="Step">Steps that are behind it.</param>
/// <param name="Samples">Samples that they have used.</param>
/// <param name="PassedOver">Newer checkpoints that are damaged, a line each.</param>
/// <param name="Changes">Keys of the configuration that differ from the checkpoint's, a line each.</param>
public sealed record ResumeReport(
    string Folder, string? Checkpoint, long Step, long Samples, IReadOnlyList<string> PassedOver, IReadOnlyList<string> Changes);

/// <summary>A step that is done.</summary>
/// <param name="Metrics">Its line in the metrics.</param>
/// <param name="Steps">Steps of the whole run: fewer than were asked for where its samples end before.</param>
/// <param name="PeakMemory">The peaks of each rank so far.</param>
/// <param name="TimeLeft">How long the rest of the steps will take.</param>
public sealed record StepReport(StepMetrics Metrics, int Steps, IReadOnlyList<KindBytes> PeakMemory, TimeSpan TimeLeft);

/// <summary>An evaluation.</summary>
/// <param name="Step">The step whose update came before it.</param>
/// <param name="Loss">The mean over the validation text, in nats per token.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record EvaluationReport(int Step, double Loss, double Seconds)
{
    /// <summary>e to the loss: among how many equally likely tokens the model is as undecided.</summary>
    public double Perplexity => Math.Exp(Loss);
}

/// <summary>A run that ended because its validation loss did not fall any more.</summary>
/// <param name="BestLoss">The lowest loss, in nats per token; null where none was a number.</param>
/// <param name="BestStep">Steps that were done before it.</param>
/// <param name="Evaluations">How many evaluations since then were not lower.</param>
public sealed record EarlyStop(double? BestLoss, long BestStep, int Evaluations);

/// <summary>A run that is over.</summary>
public sealed record RunSummary
{
    /// <summary>Where its files are, in full.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>The files and folders it wrote, relative to <see cref="OutputDirectory"/>.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Whether it was ended before its last step.</summary>
    public bool Cancelled { get; init; }

    /// <summary>Whether it was asked to stop, and ended before its last step with its state saved.</summary>
    public bool Stopped { get; init; }

    /// <summary>Why it ended before its last step, if its validation loss was why.</summary>
    public EarlyStop? EarlyStop { get; init; }

    /// <summary>The checkpoint that was saved last, in full; null where none was.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The step that it went on from; null where it began at its beginning.</summary>
    public long? ResumedFrom { get; init; }

    /// <summary>Ranks that were found to hold the others up, the latest report of each.</summary>
    public IReadOnlyList<StragglerReport> Stragglers { get; init; } = [];

    /// <summary>Steps that were done, those before it went on included.</summary>
    public required int StepsDone { get; init; }

    /// <summary>Steps that were asked for.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps until the text ends, where that is before those that were asked for; else null.</summary>
    public int? TextSteps { get; init; }

    /// <summary>Steps that the run takes if nothing stops it.</summary>
    public int StepsInAll => TextSteps ?? Steps;

    /// <summary>The loss before the first update; nothing when no step was done.</summary>
    public double? FirstLoss { get; init; }

    /// <summary>The loss of the last step.</summary>
    public double? LastLoss { get; init; }

    /// <summary>The last validation loss, if there was one.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The entropy of the training text's single tokens in nats: the loss without any context.</summary>
    public double? UnigramEntropy { get; init; }

    /// <summary>The median over the steps after the first.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>From the start of training to its end.</summary>
    public double Seconds { get; init; }

    /// <summary>Each rank's memory.</summary>
    public IReadOnlyList<RankMemory> Memory { get; init; } = [];

    /// <summary>Text that the trained model wrote.</summary>
    public string? Sample { get; init; }

    /// <summary>Whether the weights have diverged, so that the trained model wrote no text.</summary>
    public bool Diverged { get; init; }
}

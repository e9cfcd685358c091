using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Nn;

namespace NetZero.Training;

/// <summary>What the ranks of a run share: inputs that nobody changes, and one slot a rank for what it reports.</summary>
internal sealed class RunState(
    RunConfiguration run, Gpt2Config model, TrainingText text, TextDataset? validation, IParameterSource? source, RunFiles files, ICheckpointStore? store,
    ITokenizer tokenizer, ITrainingObserver observer, ResumePlan? resume)
{
    private readonly List<StepMetrics> _metrics = [];
    private readonly RankMemory?[] _memory = new RankMemory?[run.Ranks];

    public RunConfiguration Run => run;

    public Gpt2Config Model => model;

    public TrainingText Text => text;

    public TextDataset? Validation => validation;

    public IParameterSource? Source => source;

    public RunFiles Files => files;

    /// <summary>Where the run's checkpoints are sent; null for nowhere.</summary>
    public ICheckpointStore? Store => store;

    public ITokenizer Tokenizer => tokenizer;

    public ITrainingObserver Observer => observer;

    /// <summary>Where the run may go on from; null where it was not asked to.</summary>
    public ResumePlan? Resume => resume;

    /// <summary>Where it went on from; null where it began at its beginning.</summary>
    public ResumeReport? Resumed { get; private set; }

    /// <summary>What the run's files say of the steps before it went on.</summary>
    public EarlierSteps Earlier { get; private set; } = EarlierSteps.None;

    /// <summary>The checkpoint that was saved last, on rank 0.</summary>
    public SaveReport? Saved { get; set; }

    /// <summary>The latest report of each rank that held the others up, on rank 0.</summary>
    public SortedDictionary<int, StragglerReport> Stragglers { get; } = [];

    /// <summary>Steps that the run takes if nothing stops it, those before it went on included.</summary>
    public int Steps { get; set; } = text.Steps();

    /// <summary>Whether the run has ended early because it was asked to, its state saved.</summary>
    public bool Stopped { get; set; }

    /// <summary>Why the run has ended before its last step, if its validation loss was why.</summary>
    public EarlyStop? EarlyStop { get; set; }

    public long Started { get; } = Stopwatch.GetTimestamp();

    /// <summary>The steps done so far. After a cancelled run a rank that was given up may still add one: take it once.</summary>
    public IReadOnlyList<StepMetrics> Metrics
    {
        get
        {
            lock (_metrics)
                return [.. _metrics];
        }
    }

    /// <summary>The memory of each rank that has reported.</summary>
    public IReadOnlyList<RankMemory> Memory => [.. Enumerable.Range(0, run.Ranks).Select(r => Volatile.Read(ref _memory[r])).OfType<RankMemory>()];

    /// <summary>Goes on with the run's files, once its state is loaded. Rank 0 calls it.</summary>
    public void Begin(ResumeReport resumed)
    {
        if (resume is { InPlace: true })
            Earlier = files.Continue(run, resumed.Step, RunStores.IsIn(resumed.Checkpoint!));
        else
            files.Begin(run, resume is { InStore: true });
        if (resume is { InStore: true })
            files.SetAsideInStore(resumed.Step);
        Resumed = resumed;
        observer.OnResume(resumed);
    }

    public void Report(StepMetrics metrics)
    {
        lock (_metrics)
            _metrics.Add(metrics);
    }

    public void Report(RankMemory memory) => Volatile.Write(ref _memory[memory.Rank], memory);

    /// <summary>The median over the steps after the first, which compiles and allocates.</summary>
    public static double MedianTokensPerSecond(IReadOnlyList<StepMetrics> metrics)
    {
        var speeds = metrics.Skip(metrics.Count > 1 ? 1 : 0).Select(m => m.TokensPerSecond).Order().ToArray();
        return speeds.Length == 0 ? 0 : (speeds[(speeds.Length - 1) / 2] + speeds[speeds.Length / 2]) / 2;
    }
}

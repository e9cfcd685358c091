using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Nn;

namespace NetZero.Training;

/// <summary>What the ranks of a run share: inputs that nobody changes, and one slot a rank for what it reports.</summary>
internal sealed class RunState(
    RunConfiguration run, Gpt2Config model, TextDataset text, TextDataset? validation, HuggingFaceSource? source, RunFiles files, ITokenizer tokenizer,
    ITrainingObserver observer)
{
    private readonly RankMemory?[] _memory = new RankMemory?[run.Ranks];

    public RunConfiguration Run => run;

    public Gpt2Config Model => model;

    public TextDataset Text => text;

    public TextDataset? Validation => validation;

    public HuggingFaceSource? Source => source;

    public RunFiles Files => files;

    public ITokenizer Tokenizer => tokenizer;

    public ITrainingObserver Observer => observer;

    public long Started { get; } = Stopwatch.GetTimestamp();

    /// <summary>The steps done so far; written by rank 0, read by others after the run.</summary>
    public List<StepMetrics> Metrics { get; } = [];

    /// <summary>The memory of each rank that has reported.</summary>
    public IReadOnlyList<RankMemory> Memory => [.. Enumerable.Range(0, run.Ranks).Select(r => Volatile.Read(ref _memory[r])).OfType<RankMemory>()];

    public void Report(RankMemory memory) => Volatile.Write(ref _memory[memory.Rank], memory);

    /// <summary>The median over the steps after the first, which compiles and allocates.</summary>
    public double MedianTokensPerSecond()
    {
        var speeds = Metrics.Skip(Metrics.Count > 1 ? 1 : 0).Select(m => m.TokensPerSecond).Order().ToArray();
        return speeds.Length == 0 ? 0 : (speeds[(speeds.Length - 1) / 2] + speeds[speeds.Length / 2]) / 2;
    }
}

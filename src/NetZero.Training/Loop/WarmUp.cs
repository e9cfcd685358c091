using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>A step of a tiny model on two ranks, beside whatever else a program does when it starts, so that kernels and engine are compiled when the ranks start.</summary>
/// <remarks>
/// Most of the time to the end of a first small step is compilation. Reading the configuration and looking for text keeps one core busy; this uses another. Results are
/// thrown away; nothing of a run is touched, and its ledgers count nothing of it.
/// </remarks>
public static class WarmUp
{
    // Large enough that products take the path of real ones, small enough to compute in a millisecond.
    private static readonly Gpt2Config Model = new() { LayerCount = 1, HeadCount = 2, EmbeddingSize = 64, PositionCount = Tokens, VocabularySize = 256 };

    private const int Tokens = 32;

    /// <summary>Starts it and returns at once. What goes wrong in it, the run that follows meets as well, and reports.</summary>
    public static void Begin() => _ = Task.Run(() => World.RunAsync(2, StepAsync));

    private static Task StepAsync(RankContext rank)
    {
        var sharded = FullyShard.Apply(new Gpt2(Model), rank, ShardingPolicy.Zero3);
        new TrainingLoop(sharded, new AdamW(sharded), new Zeros(), new TrainingLoopOptions { GradientClipping = 1 }).Step(0, rank.Cancellation);
        return Task.CompletedTask;
    }

    private sealed class Zeros : IBatchSource
    {
        public int Rows => 2;

        public int SequenceLength => Tokens;

        public long FirstSample(int microBatch) => 0;

        public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
        {
            inputs.Clear();
            targets.Clear();
        }
    }
}

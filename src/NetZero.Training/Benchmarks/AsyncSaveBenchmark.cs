using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>How long an asynchronous save delays training: steps that run while it is written, beside steps alone, every processor busy
/// with them.</summary>
/// <remarks>
/// The delay of a save is the time from its call until the end of the last step during which files were written, less as many steps
/// alone, less a copy of as many bytes as it copies. Steps
/// alone, the copy and the save are measured in turns, in either order; each counts by the median of the rounds.
/// </remarks>
public static class AsyncSaveBenchmark
{
    private const int Rounds = 5;

    // As in the shape gpt2 of the training benchmark.
    private const int Rows = 2;
    private const int SequenceLength = 256;

    // Until code is compiled and memory is there that later steps use again.
    private const int WarmupSteps = 3;

    /// <summary>Measures.</summary>
    /// <param name="folder">Where to save; a folder of its own is made there and removed.</param>
    /// <param name="layers">Blocks of the model.</param>
    /// <param name="hidden">Its hidden size, a multiple of 64.</param>
    /// <param name="ranks">How many ranks, with a thread each, at stage 3.</param>
    /// <param name="cancellation">Ends all ranks.</param>
    /// <returns>A line for the delay of one step, and one for how long a save takes beside steps.</returns>
    /// <exception cref="IOException">The folder cannot be written, or a checkpoint could not be saved.</exception>
    public static async Task<IReadOnlyList<BenchmarkLine>> RunAsync(
        string folder, int layers, int hidden, int ranks, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var options = new WorldOptions { Tensors = new TensorContextOptions { Threads = 1 } };
        return await CheckpointBenchmark.InOwnFolderAsync(
            folder,
            async own =>
            {
                var lines = World.RunAsync(ranks, rank => Task.FromResult(Measure(own, layers, hidden, rank)), options, cancellation);
                return (await lines.ConfigureAwait(false))[0];
            }).ConfigureAwait(false);
    }

    private static List<BenchmarkLine> Measure(string folder, int layers, int hidden, RankContext rank)
    {
        var model = CheckpointBenchmark.Model(layers, hidden);
        var module = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
        var optimizer = new AdamW(module);
        var batches = new SyntheticBatches(Rows, SequenceLength, model.Config.VocabularySize, rank.Rank);
        var loop = new TrainingLoop(module, optimizer, batches, new TrainingLoopOptions { GradientClipping = 1 });
        using var saver = new CheckpointSaver(
            new CheckpointFolder(folder), module, optimizer, new SaverOptions { Async = true, KeepLast = 1 }, rank.Cancellation);
        var rounds = new SavingRounds(rank, loop, saver, 12L * model.ParameterCount() / rank.WorldSize);
        for (var step = 0; step < WarmupSteps; step++)
            rounds.StepAlone();
        rounds.SaveBeside();
        double[] alone = new double[Rounds], copy = new double[Rounds], beside = new double[Rounds], written = new double[Rounds];
        var steps = 0;
        for (var round = 0; round < Rounds; round++)
        {
            // Whichever is second finds the machine as the first has left it.
            if (round % 2 == 0)
                (alone[round], copy[round]) = (rounds.StepAlone(), rounds.Copy());
            (var took, steps, written[round]) = rounds.SaveBeside();
            if (round % 2 != 0)
                (alone[round], copy[round]) = (rounds.StepAlone(), rounds.Copy());
            beside[round] = took - ((steps - 1) * alone[round]) - copy[round];
        }

        var (single, delayed) = (Median(alone), Median(beside));
        var tokens = Rows * SequenceLength * rank.WorldSize;
        var bytes = 12e-9 * model.ParameterCount();
        return
        [
            new BenchmarkLine(
                "a step and a save, copy left out", $"{tokens} tokens, {bytes:0.00} GB", tokens / delayed, tokens / single, "tokens/s",
                "the step alone", delayed),
            new BenchmarkLine(
                "asynchronous save, to its end", $"{bytes:0.00} GB", bytes / Median(written), bytes / Median(copy), "GB/s",
                "a copy of the state", Median(written)),
        ];
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }

    // What is measured on all ranks together; they begin and end alike.
    private sealed class SavingRounds(RankContext rank, TrainingLoop loop, CheckpointSaver saver, long copyBytes)
    {
        private readonly byte[][] _from = Chunks(copyBytes);
        private readonly byte[][] _to = Chunks(copyBytes);
        private long _step;
        private bool _isSaved;

        public double StepAlone() => Time(Step);

        public double Copy() => Time(() =>
        {
            for (var i = 0; i < _from.Length; i++)
                _from[i].AsSpan().CopyTo(_to[i]);
        });

        public (double Seconds, int Steps, double WrittenSeconds) SaveBeside()
        {
            var (steps, written) = (0, 0.0);
            var seconds = Time(() =>
            {
                saver.Save(new CheckpointManifest { Step = _step });
                for (var isUnderWay = true; isUnderWay;)
                {
                    Step();
                    steps++;
                    isUnderWay = IsUnderWay(ref written);
                }
            });
            return (seconds, steps, written);
        }

        private bool IsUnderWay(ref double written)
        {
            if (saver.Poll() is { } report)
            {
                CheckpointBenchmark.Check(report);
                (written, _isSaved) = (report.Seconds, true);
            }

            Span<double> left = [_isSaved ? 0 : 1];
            rank.Group.AllReduce("save under way", left, ReduceOp.Max);
            if (left[0] > 0)
                return true;
            _isSaved = false;
            return false;
        }

        private void Step() => loop.Step(_step++, rank.Cancellation);

        private double Time(Action action)
        {
            rank.Cancellation.ThrowIfCancellationRequested();
            rank.Group.Barrier("begin");
            var start = Stopwatch.GetTimestamp();
            action();
            rank.Group.Barrier("end");
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        private static byte[][] Chunks(long bytes)
        {
            const int largest = 1 << 30;
            var chunks = new byte[(bytes + largest - 1) / largest][];
            for (var i = 0; i < chunks.Length; i++)
                (chunks[i] = GC.AllocateUninitializedArray<byte>((int)Math.Min(largest, bytes - ((long)i * largest)))).AsSpan().Fill(1);
            return chunks;
        }
    }
}

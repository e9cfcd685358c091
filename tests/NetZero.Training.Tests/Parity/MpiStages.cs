using NetZero.Collectives;
using NetZero.Collectives.Mpi;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Training.Tests.Parity;

/// <summary>All stages, one after another, on one rank of a world of MPI; rank 0 compares each with the same ranks as threads.</summary>
public static class MpiStages
{
    /// <summary>How <c>mpirun</c> starts it.</summary>
    public const string Verb = "mpi-stages";

    /// <summary>What rank 0 writes for a stage that agrees.</summary>
    public const string Agrees = "the bits of threads at stage ";

    public static async Task<int> RunAsync()
    {
        var worker = WorkerEnvironment.Detect() ?? throw new InvalidOperationException("This is started by mpirun.");
        await MpiWorld.RunAsync(worker, RunStagesAsync, Ranks.Options);
        return 0;
    }

    private static async Task RunStagesAsync(RankContext rank)
    {
        for (var stage = 0; stage <= 3; stage++)
        {
            var run = StagesAgreeTests.Run(rank.WorldSize, accumulation: 2, Sharding.GradientReduction.EachMicroBatch, stage);
            var mpi = await (run with { Start = (_, program, options) => RunAsync(rank, program, options) }).RunAsync();
            if (rank.Rank != 0)
                continue;
            var threads = await run.RunAsync();
            threads.AssertSameBits(mpi, $"threads and MPI at stage {stage}");
            Assert.Equal(threads.Ranks[0].PeakBytes, mpi.Ranks[0].PeakBytes);
            Console.WriteLine($"{Agrees}{stage}");
        }
    }

    // With tensors of its own, so that each stage begins with nothing.
    private static async Task RunAsync(RankContext rank, Func<RankContext, Task> program, WorldOptions options)
    {
        using var tensors = new TensorContext(options.Tensors);
        await program(new RankContext(rank.Group, tensors, rank.Cancellation));
    }
}

using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Ranks that do not do the same: every rank is told within seconds who did what, at every stage and on both transports.</summary>
public class DivergenceTests
{
    private const int World = 3, Odd = 1, Step = 1;

    // What users are promised, from the conflicting call or the leaving to the last rank's error.
    private static readonly TimeSpan Promptly = TimeSpan.FromSeconds(2);

    public static TheoryData<int, bool> Stages
    {
        get
        {
            var data = new TheoryData<int, bool>();
            for (var stage = 0; stage <= 3; stage++)
            {
                data.Add(stage, false);
                data.Add(stage, true);
            }

            return data;
        }
    }

    // One rank has frozen a block: where the others reduce it, its next call is about another unit.
    [Theory]
    [MemberData(nameof(Stages))]
    public void ADifferentUnit_IsAMismatch_OfBothRanksAndUnits(int stage, bool shared)
    {
        var found = Run(stage, shared, (rank, model, sharded, optimizer, diverges) =>
        {
            if (rank.Rank == Odd)
            {
                sharded.Freeze("blocks.1.**");
                diverges();
            }

            Train(rank, model, sharded, optimizer);
        });
        var operation = stage == 0 ? "AllReduce" : "ReduceScatter";
        found.AllName<CollectiveMismatchException>($"rank {Odd} called {operation} #", "of 'blocks.0'", $"called {operation} #", "of 'blocks.1'");
        var mismatch = found.Errors.OfType<CollectiveMismatchException>().First();
        Assert.Contains(Odd, new[] { mismatch.FirstRank, mismatch.SecondRank });
        Assert.NotEqual(mismatch.FirstRank, mismatch.SecondRank);
    }

    // The schedule is the same on every rank, so what is run out of order is seen before it makes a call.
    [Theory]
    [MemberData(nameof(Stages))]
    public void AnotherOrder_IsNamedByTheRankThatRunsIt_WithBothUnits(int stage, bool shared)
    {
        var found = Run(stage, shared, (rank, model, sharded, optimizer, diverges) =>
        {
            if (rank.Rank == Odd)
            {
                model.Order = [1, 0];
                diverges();
            }

            Train(rank, model, sharded, optimizer);
        });
        found.AllName<InvalidOperationException>(
            "reached Forward of unit 'blocks.1' where the schedule declares Forward of unit 'blocks.0'", $"Rank {Odd} made {(stage == 0 ? "AllReduceScalars" : "AllGather")} #",
            stage == 0 ? "of 'gradient norm' last" : "of 'blocks.1' last", $"such as rank 0, make {stage switch { 0 => "AllReduce", 3 => "AllGather", _ => "ReduceScatter" }} of 'blocks.1' next");
        foreach (var rank in Enumerable.Range(0, World).Where(rank => rank != Odd))
            Assert.StartsWith($"Rank {Odd} failed: ", Assert.IsType<PeerFailedException>(found.Errors[rank]).Message, StringComparison.Ordinal);
    }

    // One rank leaves the gradient norm out and goes on to its next call.
    [Theory]
    [MemberData(nameof(Stages))]
    public void OneCallFewer_IsAMismatchWithTheNext(int stage, bool shared)
    {
        var found = Run(stage, shared, (rank, model, sharded, optimizer, diverges) =>
        {
            for (var step = 0; step < 2; step++)
            {
                using var open = sharded.BeginStep();
                open.Backward(Loss(rank, model));
                if (rank.Rank != Odd)
                    sharded.ClipGradientNorm(1);
                else
                    diverges();
                optimizer.Step();
            }
        });
        found.AllName<CollectiveMismatchException>("called AllReduceScalars #", "of 'gradient norm'", $"rank {Odd} called ", stage == 0 ? "AllReduce #" : "AllGather #", stage == 0 ? "of 'blocks.1'" : "of 'root'");
    }

    // One rank ends its program a step early, with all its calls made.
    [Theory]
    [MemberData(nameof(Stages))]
    public void ARankThatLeaves_IsNamedWithTheCallThatLacksIt(int stage, bool shared)
    {
        var found = Run(stage, shared, (rank, model, sharded, optimizer, diverges) =>
        {
            if (rank.Rank == Odd)
            {
                diverges();
                return;
            }

            Train(rank, model, sharded, optimizer);
        });
        var awaited = stage switch { 0 => "AllReduce #", 3 => "AllGather #", _ => "ReduceScatter #" };
        Assert.Null(found.Errors[Odd]);
        found.AllName<PeerLeftException>(
            $"ank {Odd} has finished its program, but rank ", $" waits for it in {awaited}", stage == 3 ? "of 'root'" : "of 'blocks.1'",
            stage is 1 or 2 ? "its last call was AllGather #" : "its last call was AllReduceScalars #");
        foreach (var told in found.Errors.OfType<PeerLeftException>())
            Assert.Contains($"but rank {Array.IndexOf(found.Errors, told)} waits for it in {awaited}", told.Message, StringComparison.Ordinal);
        Assert.All(found.Errors.OfType<PeerLeftException>(), e => Assert.Equal(Odd, e.Rank));
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public void ARankThatIsLate_IsNamedWhenTheTimeoutPasses_WithItsLastCallAndTheUnitAwaited(int stage, bool shared)
    {
        var timeout = TimeSpan.FromMilliseconds(400);
        var found = Run(stage, shared, (rank, model, sharded, optimizer, diverges) =>
        {
            if (rank.Rank == Odd)
            {
                diverges();
                rank.Cancellation.WaitHandle.WaitOne(TimeSpan.FromSeconds(20));
            }

            Train(rank, model, sharded, optimizer);
        }, new WorldOptions { Timeout = timeout });
        Assert.InRange(found.Seconds, timeout.TotalSeconds * 0.9, timeout.TotalSeconds + Promptly.TotalSeconds);
        var timedOut = found.Errors.OfType<CollectiveTimeoutException>().First();
        Assert.Equal([Odd], timedOut.MissingRanks);
        Assert.Contains($"rank {Odd}: its last call was ", timedOut.Message, StringComparison.Ordinal);
        Assert.Contains(stage == 3 ? "of 'root'" : "of 'blocks.1'", timedOut.Message, StringComparison.Ordinal);
        found.AllName<CollectiveTimeoutException>($"rank {Odd}: its last call was ");
    }

    private static void Train(RankContext rank, ToyModel model, ShardedModule sharded, Optimizer optimizer)
    {
        using var step = sharded.BeginStep();
        step.Backward(Loss(rank, model));
        sharded.ClipGradientNorm(1);
        optimizer.Step();
    }

    private static Tensors.Tensor Loss(RankContext rank, ToyModel model) =>
        model.Loss(rank.Tensors.Full([2, 15], 0.5f + rank.Rank), rank.Tensors.From<int>([0, 1], [2]));

    private delegate void Program(RankContext rank, ToyModel model, ShardedModule sharded, Optimizer optimizer, Action diverges);

    // Ranks train a step in agreement before they part.
    private static Found Run(int stage, bool shared, Program program, WorldOptions? options = null)
    {
        var errors = new Exception?[World];
        long diverged = 0, ended = 0;
        void OfRank(RankContext rank)
        {
            try
            {
                var model = new ToyModel();
                var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage));
                var optimizer = new AdamW(sharded);
                for (var i = 0; i < Step; i++)
                    Train(rank, model, sharded, optimizer);
                program(rank, model, sharded, optimizer, () => Volatile.Write(ref diverged, Stopwatch.GetTimestamp()));
            }
            catch (Exception e)
            {
                errors[rank.Rank] = e;
                Interlocked.Exchange(ref ended, Stopwatch.GetTimestamp());
                throw;
            }
        }

        var thrown = Record.Exception(() =>
        {
            if (shared)
                SharedRanks.Run(World, OfRank, options);
            else
                Ranks.Run(World, OfRank, options);
        });
        Assert.NotNull(thrown);
        return new Found(thrown, errors, Stopwatch.GetElapsedTime(diverged, ended).TotalSeconds);
    }

    /// <param name="Thrown">What the world reports.</param>
    /// <param name="Errors">What each rank was told.</param>
    /// <param name="Seconds">From the divergence to the last rank's error.</param>
    private sealed record Found(Exception Thrown, Exception?[] Errors, double Seconds)
    {
        /// <summary>The world reports an error of this type, and each rank that failed was told all of these texts: itself, or as the reason of another's failure.</summary>
        public void AllName<TError>(params string[] texts)
            where TError : Exception
        {
            Assert.IsType<TError>(Thrown);
            foreach (var error in Errors.OfType<Exception>().Append(Thrown))
                foreach (var text in texts)
                    Assert.Contains(text, error.Message, StringComparison.Ordinal);
            if (typeof(TError) != typeof(CollectiveTimeoutException))
                Assert.InRange(Seconds, 0, Promptly.TotalSeconds);
            Assert.True(Errors.Count(e => e is not null) >= World - 1, "every rank that went on is told");
        }
    }
}

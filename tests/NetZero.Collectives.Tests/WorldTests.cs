using System.Diagnostics;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

public sealed class WorldTests
{
    [Fact]
    public async Task Await_ReturnsToTheRanksThread()
    {
        await World.RunAsync(4, async rank =>
        {
            var thread = Environment.CurrentManagedThreadId;
            for (var i = 0; i < 20; i++)
            {
                await Task.Delay(1, CancellationToken.None);
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
                await Task.Yield();
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
                await Task.Run(() => Thread.Sleep(0));
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
                rank.Group.Barrier("step");
            }
        }, Ranks.Options);
    }

    [Fact]
    public async Task RanksAreDistinctThreads_AndResultsComeByRank()
    {
        var threads = await World.RunAsync(6, rank =>
        {
            Assert.Equal(6, rank.WorldSize);
            Assert.Equal(["shard"], rank.Mesh.Axes);
            return Task.FromResult((rank.Rank, Thread: Thread.CurrentThread));
        }, Ranks.Options);
        Assert.Equal([0, 1, 2, 3, 4, 5], threads.Select(t => t.Rank));
        Assert.Equal(6, threads.Select(t => t.Thread.ManagedThreadId).Distinct().Count());
        Assert.All(threads, t => Assert.False(t.Thread.IsAlive));
    }

    [Fact]
    public async Task TheFirstFailureWins_AndNoThreadIsLeft()
    {
        var threads = new Thread[5];
        var thrown = await Assert.ThrowsAsync<InvalidDataException>(() => World.RunAsync(5, async rank =>
        {
            threads[rank.Rank] = Thread.CurrentThread;
            rank.Group.Barrier("all are here");
            if (rank.Rank == 3)
                throw new InvalidDataException("first");
            await Task.Delay(Timeout.Infinite, rank.Cancellation);
        }, Ranks.Options));
        Assert.Equal("first", thrown.Message);
        Assert.All(threads, thread => Assert.False(thread.IsAlive));
    }

    [Fact]
    public async Task Cancellation_ReleasesRanksThatWaitAndRanksThatAwait()
    {
        using var source = new CancellationTokenSource();
        var clock = new Stopwatch();
        var run = World.RunAsync(3, async rank =>
        {
            if (rank.Rank == 0)
            {
                source.CancelAfter(100);
                clock.Start();
            }

            if (rank.Rank == 1)
                await Task.Delay(Timeout.Infinite, rank.Cancellation);
            if (rank.Rank == 2)
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
            rank.Group.Barrier("never");
        }, Ranks.Options with { StopGrace = TimeSpan.FromMilliseconds(200) }, source.Token); // Rank 2 takes all of its grace; the rest is for a loaded machine.
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(source.Token, thrown.CancellationToken);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task ARankThatIsBusyElsewhere_DoesNotHoldUpTheReportOfAFailure()
    {
        using var release = new ManualResetEventSlim();
        Thread? busy = null;
        var clock = Stopwatch.StartNew();
        var options = Ranks.Options with { StopGrace = TimeSpan.FromMilliseconds(100) };
        await Assert.ThrowsAsync<InvalidDataException>(() => World.RunAsync(2, rank =>
        {
            if (rank.Rank == 0)
                throw new InvalidDataException("broken");
            busy = Thread.CurrentThread;
            release.Wait();
            rank.Group.Barrier("too late");
            return Task.CompletedTask;
        }, options));
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        release.Set();
        busy?.Join();
    }

    [Fact]
    public async Task TensorsOfEveryRank_AreGoneAfterTheRun_AlsoAfterAFailure()
    {
        foreach (var fails in new[] { false, true })
        {
            var contexts = new TensorContext[3];
            var run = World.RunAsync(3, rank =>
            {
                contexts[rank.Rank] = rank.Tensors;
                rank.Tensors.Full([100, 10], 1f);
                rank.Group.Barrier("all have memory");
                return fails ? throw new InvalidDataException("broken") : Task.CompletedTask;
            }, Ranks.Options);
            if (fails)
                await Assert.ThrowsAsync<InvalidDataException>(() => run);
            else
                await run;
            for (var rank = 0; rank < 3; rank++)
            {
                Assert.True(contexts[rank].Ledger.PeakBytes >= 4000);
                Ranks.CheckEmpty(contexts[rank].Ledger, rank);
            }
        }
    }

    [Fact]
    public async Task Options_ReachTheRanksTensors_AndBadOnesAreRefused()
    {
        var options = Ranks.Options with { Tensors = new TensorContextOptions { Device = Device.Meta, Seed = 7, MemoryBudgetBytes = 1000, Threads = 3 } };
        await World.RunAsync(2, rank =>
        {
            Assert.Same(Device.Meta, rank.Tensors.Device);
            Assert.Equal(7, rank.Tensors.Random.Seed);
            Assert.Equal(3, rank.Tensors.Threads);
            Assert.Throws<MemoryBudgetExceededException>(() => rank.Tensors.Empty([1000]));
            return Task.CompletedTask;
        }, options);
        await Assert.ThrowsAsync<ArgumentException>(() => World.RunAsync(2, _ => Task.CompletedTask, new WorldOptions { Timeout = TimeSpan.Zero }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => World.RunAsync(0, _ => Task.CompletedTask));
    }

    [Fact]
    public void AWorldOfOne_MovesLocallyAndCountsNothing() => Ranks.Run(1, rank =>
    {
        using var shard = new TestBuffer(10, DType.F32).Fill(0);
        using var whole = new TestBuffer(10, DType.F32);
        rank.Group.AllGather("u", shard, whole).WaitInputs();
        Assert.Equal(shard.Bytes, whole.Bytes);
        rank.Group.AllReduce("u", whole, ReduceOp.Average).WaitInputs();
        Assert.Equal(shard.Bytes, whole.Bytes);
        rank.Group.AllReduce("u", [1.0], ReduceOp.Sum);
        rank.Group.Barrier("u");
        Assert.Empty(rank.Group.Recorder.Calls);
        Assert.Equal(0, rank.Group.Recorder.TotalCalls);
        Assert.Equal(0, rank.Group.Recorder.ScalarWireBytes);
    });

    [Fact]
    public void AHundredAndTwentyEightRanks_GatherAndReduceOddShapes() => Ranks.Run(128, rank =>
    {
        foreach (var length in new[] { 17 * 257, 64 * 312, 512 * 64, 64 * 297 })
        {
            var padded = (length + 127) / 128;
            using var whole = new TestBuffer(padded * 128, DType.F32).Fill(rank.Rank, length);
            using var gathered = new TestBuffer(padded * 128, DType.F32);
            var own = gathered.Buffer.Slice((long)rank.Rank * padded, padded);
            rank.Group.ReduceScatter("reduce", whole, own, ReduceOp.Sum).WaitInputs();
            rank.Group.AllGather("gather", own, gathered).WaitInputs();
            var reduced = rank.Group.AllReduce("both", whole, ReduceOp.Sum);
            reduced.WaitInputs();
            Assert.Equal(gathered.Bytes, whole.Bytes);
            if (rank.Rank == 0 && length == 17 * 257)
                Assert.Equal(CanonicalTree.Reduce(128, padded * 128, DType.F32, ReduceOp.Sum, length), gathered.Bytes);
        }
    });
}

using System.Diagnostics;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

/// <summary>Every way in which ranks can fail each other ends in seconds, with a name, on every transport.</summary>
public abstract unsafe class FailureSuite
{
    // Far above what releasing threads takes, and the bound that users are promised.
    private static readonly TimeSpan Promptly = TimeSpan.FromSeconds(2);

    /// <summary>Runs ranks; the first failure is thrown.</summary>
    protected abstract void Run(int ranks, Action<RankContext> program, WorldOptions? options = null);

    private static CollectiveBuffer Meta(long count, DType dtype = DType.F32) => new(null, count, dtype);

    [Fact]
    public void DifferentOrder_NamesBothCallsAndRanks_OnBothRanks()
    {
        var seen = new Exception?[2];
        var thrown = Assert.Throws<CollectiveMismatchException>(() => Run(2, rank => Catch(seen, rank, () =>
        {
            if (rank.Rank == 0)
            {
                rank.Group.AllReduce("h.1", Meta(8), ReduceOp.Sum).Wait();
            }
            else
            {
                rank.Group.AllGather("h.2", Meta(4), Meta(8)).Wait();
            }
        })));
        Assert.All(seen, e => Assert.IsType<CollectiveMismatchException>(e));
        Assert.Contains("AllReduce #0 of 'h.1' (Sum, 8 elements F32, 32 bytes)", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("AllGather #0 of 'h.2' (8 elements F32, 32 bytes)", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("rank 0 called", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("rank 1 called", thrown.Message, StringComparison.Ordinal);
        Assert.Equal([0, 1], new[] { thrown.FirstRank, thrown.SecondRank }.Order());
    }

    public static TheoryData<string, Action<ProcessGroup>> DifferentCalls => new()
    {
        { "size", group => group.AllReduce("u", Meta(8 + group.Rank), ReduceOp.Sum).Wait() },
        { "type", group => group.AllReduce("u", Meta(8, group.Rank == 0 ? DType.F32 : DType.I32), ReduceOp.Sum).Wait() },
        { "unit", group => group.AllReduce($"u{group.Rank}", Meta(8), ReduceOp.Sum).Wait() },
        { "operator", group => group.AllReduce("u", Meta(8), group.Rank == 0 ? ReduceOp.Sum : ReduceOp.Max).Wait() },
        { "root", group => group.Broadcast("u", Meta(8), group.Rank).Wait() },
        { "scalars", group => group.AllReduce("u", new double[1 + group.Rank], ReduceOp.Sum) },
        { "pair", group => _ = group.Rank == 0 ? Waited(group.Send("u", Meta(8), 1)) : Waited(group.Receive("u", Meta(9), 0)) },
        { "barrier", group => Either(group.Rank == 0, () => group.Barrier("u"), () => group.Broadcast("u", Meta(0), 0).Wait()) },
    };

    [Theory]
    [MemberData(nameof(DifferentCalls))]
    public void AnyDifferenceInSignature_IsAMismatch(string what, Action<ProcessGroup> program)
    {
        var seen = new Exception?[2];
        Assert.Throws<CollectiveMismatchException>(() => Run(2, rank => Catch(seen, rank, () => program(rank.Group))));
        Assert.True(seen.All(e => e is CollectiveMismatchException), what);
    }

    [Fact]
    public void DataOnOneRankOnly_IsAMismatch() => Assert.Throws<CollectiveMismatchException>(() => Run(2, rank =>
    {
        using var buffer = new TestBuffer(8, DType.F32);
        rank.Group.AllReduce("u", rank.Rank == 0 ? Meta(8) : buffer, ReduceOp.Sum).Wait();
    }));

    [Fact]
    public void MissingRank_IsNamedWithItsLastCall_WhenTheTimeoutPasses()
    {
        using var released = new ManualResetEventSlim();
        var clock = Stopwatch.StartNew();
        var options = Ranks.Options with { Timeout = TimeSpan.FromMilliseconds(300) };
        var thrown = Assert.Throws<CollectiveTimeoutException>(() => Run(3, rank =>
        {
            rank.Group.Barrier("together");
            if (rank.Rank == 2)
                rank.Cancellation.WaitHandle.WaitOne();
            else
                rank.Group.AllReduce("loss", new double[1], ReduceOp.Sum);
        }, options));
        Assert.Equal([2], thrown.MissingRanks);
        Assert.Contains("rank 2: its last call was Barrier #0 of 'together'", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("AllReduceScalars #1 of 'loss'", thrown.Message, StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed, TimeSpan.FromMilliseconds(290), Promptly);
    }

    [Fact]
    public void RankThatLeaves_IsNamedAtOnce()
    {
        var clock = Stopwatch.StartNew();
        var thrown = Assert.Throws<PeerLeftException>(() => Run(3, rank =>
        {
            rank.Group.Barrier("together");
            if (rank.Rank == 1)
                return;
            rank.Group.Barrier("one more");
        }));
        Assert.Equal(1, thrown.Rank);
        Assert.Contains("Barrier #1 of 'one more'", thrown.Message, StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Promptly);
    }

    [Fact]
    public void RankThatLeavesWithACallStarted_StillServesIt() => Run(2, rank =>
    {
        using var buffer = new TestBuffer(1000, DType.F32).Fill(0);
        if (rank.Rank == 0)
        {
            // The rank's program returns without a wait; the tensor memory of the rank must live until rank 1 has read it.
            var tensor = rank.Tensors.Full([1000], 3f);
            rank.Group.Broadcast("last words", CollectiveBuffer.Of(tensor), 0);
            return;
        }

        Thread.Sleep(50);
        rank.Group.Broadcast("last words", buffer, 0).Wait();
        Assert.All(new ReadOnlySpan<float>(buffer.Buffer.Pointer, 1000).ToArray(), value => Assert.Equal(3f, value));
    });

    [Fact]
    public void RankThatThrows_ReleasesAllOthers_AndItsFailureIsReported()
    {
        var seen = new Exception?[4];
        var clock = Stopwatch.StartNew();
        var thrown = Assert.Throws<FormatException>(() => Run(4, rank => Catch(seen, rank, () =>
        {
            rank.Group.Barrier("together");
            if (rank.Rank == 2)
                throw new FormatException("broken batch");
            rank.Group.Barrier("never");
        })));
        Assert.Equal("broken batch", thrown.Message);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Promptly);
        foreach (var other in new[] { 0, 1, 3 })
        {
            var failure = Assert.IsType<PeerFailedException>(seen[other]);
            Assert.Equal(2, failure.FailedRank);
            AssertCause(thrown, failure.InnerException!);
        }
    }

    [Fact]
    public void Abort_WithCallsInFlight_LetsTheBuffersBeFreed()
    {
        for (var round = 0; round < 20; round++)
        {
            Assert.Throws<FormatException>(() => Run(3, rank =>
            {
                using var whole = new TestBuffer(3 * 100_000, DType.F32).Fill(rank.Rank);
                using var shard = new TestBuffer(100_000, DType.F32);
                try
                {
                    var work = rank.Group.ReduceScatter("in flight", whole, shard, ReduceOp.Sum);
                    if (rank.Rank == 1)
                        throw new FormatException("while others read");
                    work.WaitInputs();
                    rank.Group.Barrier("never");
                }
                catch (Exception e)
                {
                    // What unwinding code does before it frees buffers of a call in flight: whole and shard go right after this.
                    rank.Group.Abort(e);
                    throw;
                }
            }));
        }
    }

    [Fact]
    public void UseFromAnotherThread_IsAnError() => Run(2, rank =>
    {
        var thrown = Assert.Throws<InvalidOperationException>(
            () => Task.Run(() => rank.Group.AllReduce("u", Meta(8), ReduceOp.Sum)).GetAwaiter().GetResult());
        Assert.Contains("thread", thrown.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void BadArguments_AreRefusedOnTheirOwnRank() => Run(4, rank =>
    {
        var group = rank.Group;
        var thrown = Assert.Throws<ArgumentException>(() => group.ReduceScatter("u", Meta(1001), Meta(250), ReduceOp.Sum));
        Assert.Equal($"ReduceScatter on rank {rank.Rank} of 4: the whole buffer has 1,001 elements, not a multiple of 4; pad it.", thrown.Message);
        Assert.Throws<ArgumentException>(() => group.AllGather("u", Meta(3), Meta(8)));
        Assert.Throws<ArgumentException>(() => group.AllGather("u", Meta(2, DType.I32), Meta(8)));
        Assert.Throws<ArgumentException>(() => group.AllReduce("u", Meta(8, DType.U8), ReduceOp.Sum));
        Assert.Throws<ArgumentException>(() => group.AllReduce("u", Meta(8, DType.I64), ReduceOp.Average));
        Assert.Throws<ArgumentException>(() => group.AllToAll("u", Meta(8), Meta(12)));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Broadcast("u", Meta(8), 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Send("u", Meta(8), rank.Rank));
        using var buffer = new TestBuffer(8, DType.F32);
        Assert.Throws<ArgumentException>(() => group.AllGather("u", buffer.Buffer.Slice((rank.Rank + 1) % 4 * 2, 2), buffer));
        Assert.Throws<ArgumentException>(() => group.AllToAll("u", buffer, buffer));
        Assert.Equal(0, group.Recorder.TotalCalls);
    });

    private static void Catch(Exception?[] seen, RankContext rank, Action program)
    {
        try
        {
            program();
        }
        catch (Exception e)
        {
            seen[rank.Rank] = e;
            throw;
        }
    }

    private static bool Waited(Work work)
    {
        work.Wait();
        return true;
    }

    /// <summary>What the others are told of the failure of a rank.</summary>
    protected abstract void AssertCause(Exception thrown, Exception told);

    private static void Either(bool first, Action a, Action b) => (first ? a : b)();
}

using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

public sealed unsafe class CountingTests
{
    private static CollectiveBuffer Meta(long count, DType dtype = DType.F32) => new(null, count, dtype);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void WireBytes_FollowTheFormulas_OnRealAndFakeGroups(int ranks)
    {
        void Check(ProcessGroup group)
        {
            var whole = 1000L * ranks;
            MakeOneOfEach(group, whole);
            long n = ranks;
            var recorder = group.Recorder;
            Assert.Equal((n - 1) * 4000, recorder.WireBytesOf(CollectiveOperation.AllGather));
            Assert.Equal((n - 1) * 4000, recorder.WireBytesOf(CollectiveOperation.ReduceScatter));
            Assert.Equal(2 * (n - 1) * 4000, recorder.WireBytesOf(CollectiveOperation.AllReduce));
            Assert.Equal((n - 1) * 4000, recorder.WireBytesOf(CollectiveOperation.AllToAll));
            Assert.Equal(n * 4000, recorder.WireBytesOf(CollectiveOperation.Broadcast));
            Assert.Equal(((5 * (n - 1)) + n) * 4000, recorder.TotalWireBytes);
            Assert.Equal(5, recorder.TotalCalls);
            Assert.Equal(2 * (n - 1) * 8 * 3 / n, recorder.ScalarWireBytes);
            Assert.Equal(1, recorder.CountOf(CollectiveOperation.Barrier));
            Assert.Equal(["a", "b", "c", "d", "e", "f", "g"], recorder.Calls.Select(call => call.Unit));
            Assert.Equal(Enumerable.Range(0, 7).Select(i => (long)i), recorder.Calls.Select(call => call.Sequence));
            Assert.All(recorder.Calls, call => Assert.Equal("world", call.Group));
        }

        Ranks.Run(ranks, rank => Check(rank.Group));
        Check(new FakeProcessGroup(ranks - 1, ranks));
    }

    [Fact]
    public void WireBytes_OfLargeModelsOnLargeWorlds_DoNotOverflow() =>
        Assert.Equal((long)((Int128)700_000_000_000 * 2 * 16_383 / 16_384), WireBytes.Of(CollectiveOperation.AllReduce, 700_000_000_000, 16_384));

    [Fact]
    public void Recorder_KeepsTheLatestCallsAndAllTotals()
    {
        var group = new FakeProcessGroup(0, 2);
        group.Recorder.Capacity = 3;
        for (var i = 0; i < 10; i++)
            group.AllReduce($"{i}", Meta(4), ReduceOp.Sum).WaitInputs();
        Assert.Equal(["7", "8", "9"], group.Recorder.Calls.Select(call => call.Unit));
        Assert.Equal(10, group.Recorder.TotalCalls);
        group.Recorder.Clear();
        Assert.Empty(group.Recorder.Calls);
        Assert.Equal(0, group.Recorder.TotalWireBytes);
    }

    [Fact]
    public void FakeGroup_RunsOneRankOf16384AloneAndRefusesData()
    {
        var group = new FakeProcessGroup(16_000, 16_384);
        var whole = Meta(16_384L * 1_000_000, DType.BF16);
        group.AllGather("unit", whole.Slice(16_000L * 1_000_000, 1_000_000), whole).WaitInputs();
        Assert.Equal(16_383L * 2_000_000, group.Recorder.TotalWireBytes);
        double[] values = [2];
        group.AllReduce("norm", values, ReduceOp.Sum);
        Assert.Equal(2.0 * 16_384, values[0]);
        group.AllReduce("norm", values, ReduceOp.Max);
        Assert.Equal(2.0 * 16_384, values[0]);
        using var buffer = new TestBuffer(4, DType.F32);
        Assert.Throws<ArgumentException>(() => group.AllReduce("data", buffer, ReduceOp.Sum));
        Assert.Equal(128, new DeviceMesh(group, [128, 128], ["replicate", "shard"])["shard"].Size);
    }

    [Fact]
    public void ACall_AllocatesLittleManagedMemory() => Ranks.Run(2, rank =>
    {
        using var buffer = new TestBuffer(100, DType.F32).Fill(rank.Rank);
        void Call()
        {
            for (var i = 0; i < 200; i++)
            {
                rank.Group.AllReduce("steady", buffer, ReduceOp.Average).WaitInputs();
            }
        }

        rank.Group.Recorder.Capacity = 64;
        Call();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Call();
        // One Work object of about 48 bytes, and now and then a meeting when a peer still holds the last one.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 200.0, 0, 256);
    });

    private static void MakeOneOfEach(ProcessGroup group, long whole)
    {
        group.AllGather("a", Meta(whole / group.Size), Meta(whole)).WaitInputs();
        group.ReduceScatter("b", Meta(whole), Meta(whole / group.Size), ReduceOp.Sum).WaitInputs();
        group.AllReduce("c", Meta(whole), ReduceOp.Average).WaitInputs();
        group.AllToAll("d", Meta(whole), Meta(whole)).WaitInputs();
        group.Broadcast("e", Meta(whole), 0).WaitInputs();
        group.AllReduce("f", new double[3], ReduceOp.Sum);
        group.Barrier("g");
    }
}

using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

/// <summary>What every transport must do, whatever carries the bytes: a transport's tests derive from this and say how ranks are run.</summary>
public abstract class TransportSuite
{
    private static readonly int[] Lengths = [0, 1, 7, 1000, 1001];
    private static readonly DType[] AllTypes = [DType.F32, DType.BF16, DType.F16, DType.I32, DType.I64, DType.U8];

    public static TheoryData<int> WorldSizes => [1, 2, 3, 4, 5, 6, 7, 8, 9];

    /// <summary>Runs a program on so many ranks, or not at all where there are not so many.</summary>
    protected abstract void Run(int ranks, Action<ProcessGroup> program);

    /// <summary>Whether all ranks run in this process, so that a test can count in a variable of its own.</summary>
    protected virtual bool SharesVariables => true;

    [Theory]
    [MemberData(nameof(WorldSizes))]
    public void AllGather_GivesEveryRankAllShardsInOrder(int ranks) => Run(ranks, group => ForEachCase(AllTypes, (length, dtype) =>
    {
        var expected = Concatenate(ranks, rank => Filled(length, dtype, rank));
        using var shard = new TestBuffer(length, dtype).Fill(group.Rank);
        using var whole = new TestBuffer(length * ranks, dtype);
        group.AllGather("gather", shard, whole).WaitInputs();
        Assert.Equal(expected, whole.Bytes);

        using var inPlace = new TestBuffer(length * ranks, dtype);
        var own = inPlace.Buffer.Slice(group.Rank * length, length);
        Copy(shard, own);
        group.AllGather("gather in place", own, inPlace).WaitInputs();
        Assert.Equal(expected, inPlace.Bytes);
    }));

    [Theory]
    [MemberData(nameof(WorldSizes))]
    public void ReduceScatter_GivesEveryRankItsSliceOfTheCanonicalTree(int ranks) => Run(ranks, group => ForEachReduction((length, dtype, op) =>
    {
        var all = CanonicalTree.Reduce(ranks, length * ranks, dtype, op, seed: 1);
        var expected = all.AsSpan(group.Rank * length * dtype.SizeInBytes(), length * dtype.SizeInBytes()).ToArray();
        using var whole = new TestBuffer(length * ranks, dtype).Fill(group.Rank, 1);
        using var shard = new TestBuffer(length, dtype);
        group.ReduceScatter("reduce", whole, shard, op).WaitInputs();
        Assert.Equal(expected, shard.Bytes);
        Assert.Equal(Filled(length * ranks, dtype, group.Rank, 1), whole.Bytes);

        var own = whole.Buffer.Slice(group.Rank * length, length);
        group.ReduceScatter("reduce in place", whole, own, op).WaitInputs();
        Assert.Equal(expected, whole.Bytes.AsSpan(group.Rank * length * dtype.SizeInBytes(), length * dtype.SizeInBytes()).ToArray());
    }));

    [Theory]
    [MemberData(nameof(WorldSizes))]
    public void AllReduce_GivesEveryRankTheCanonicalTree(int ranks) => Run(ranks, group => ForEachReduction((length, dtype, op) =>
    {
        using var buffer = new TestBuffer(length, dtype).Fill(group.Rank, 2);
        group.AllReduce("reduce", buffer, op).WaitInputs();
        Assert.Equal(CanonicalTree.Reduce(ranks, length, dtype, op, seed: 2), buffer.Bytes);
    }));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void AllReduce_OfManyParts_EqualsReduceScatterAndAllGather(int ranks) => Run(ranks, group =>
    {
        // Large enough to be cut into parts and tiles at places that have nothing to do with the shards' borders.
        const int shardLength = 70_003;
        using var reduced = new TestBuffer(shardLength * ranks, DType.F32).Fill(group.Rank, 3);
        using var scattered = new TestBuffer(shardLength * ranks, DType.F32).Fill(group.Rank, 3);
        group.AllReduce("whole", reduced, ReduceOp.Average).WaitInputs();
        var own = scattered.Buffer.Slice((long)group.Rank * shardLength, shardLength);
        group.ReduceScatter("scatter", scattered, own, ReduceOp.Average).WaitInputs();
        group.AllGather("gather", own, scattered).WaitInputs();
        Assert.Equal(reduced.Bytes, scattered.Bytes);
    });

    [Theory]
    [MemberData(nameof(WorldSizes))]
    public void Broadcast_GivesEveryRankTheRootsBuffer(int ranks) => Run(ranks, group => ForEachCase(AllTypes, (length, dtype) =>
    {
        for (var root = 0; root < ranks; root += Math.Max(1, ranks - 1))
        {
            using var buffer = new TestBuffer(length, dtype).Fill(group.Rank, root);
            group.Broadcast("broadcast", buffer, root).WaitInputs();
            Assert.Equal(Filled(length, dtype, root, root), buffer.Bytes);
        }
    }));

    [Theory]
    [MemberData(nameof(WorldSizes))]
    public void AllToAll_TransposesTheChunks(int ranks) => Run(ranks, group => ForEachCase(AllTypes, (length, dtype) =>
    {
        var bytes = length * dtype.SizeInBytes();
        using var input = new TestBuffer(length * ranks, dtype).Fill(group.Rank);
        using var output = new TestBuffer(length * ranks, dtype);
        group.AllToAll("transpose", input, output).WaitInputs();
        Assert.Equal(Concatenate(ranks, rank => Filled(length * ranks, dtype, rank).AsSpan(group.Rank * bytes, bytes).ToArray()), output.Bytes);
    }));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void SendAndReceive_AroundARing_MatchInOrder(int ranks) => Run(ranks, group => ForEachCase(AllTypes, (length, dtype) =>
    {
        var next = (group.Rank + 1) % ranks;
        var previous = (group.Rank + ranks - 1) % ranks;
        using var first = new TestBuffer(length, dtype).Fill(group.Rank, 1);
        using var second = new TestBuffer(length, dtype).Fill(group.Rank, 2);
        using var firstIn = new TestBuffer(length, dtype);
        using var secondIn = new TestBuffer(length, dtype);
        Work[] works =
        [
            group.Send("ring", first, next), group.Send("ring", second, next),
            group.Receive("ring", firstIn, previous), group.Receive("ring", secondIn, previous),
        ];
        foreach (var work in works.Reverse())
            work.WaitInputs();
        Assert.Equal(Filled(length, dtype, previous, 1), firstIn.Bytes);
        Assert.Equal(Filled(length, dtype, previous, 2), secondIn.Bytes);
    }));

    [Theory]
    [MemberData(nameof(WorldSizes))]
    public void ScalarsReduceAlongTheCanonicalTree(int ranks) => Run(ranks, group =>
    {
        var inputs = Enumerable.Range(0, ranks).Select(rank => 0.1 * (rank + 1)).ToArray();
        var sum = CanonicalTree.Tree(inputs);
        double[] values = [inputs[group.Rank], 1];
        group.AllReduce("sum", values, ReduceOp.Sum);
        Assert.Equal([sum, ranks], values);
        values[0] = inputs[group.Rank];
        group.AllReduce("average", values.AsSpan(0, 1), ReduceOp.Average);
        Assert.Equal(sum * (1.0 / ranks), values[0]);
        values[0] = inputs[group.Rank];
        group.AllReduce("maximum", values.AsSpan(0, 1), ReduceOp.Max);
        Assert.Equal(inputs.Max(), values[0]);
        values[0] = group.Rank == 0 ? double.NaN : 1;
        group.AllReduce("minimum", values.AsSpan(0, 1), ReduceOp.Min);
        Assert.Equal(double.NaN, values[0]);
    });

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void SeveralCallsInFlight_MayBeAwaitedInAnyOrder(int ranks) => Run(ranks, group =>
    {
        // Each rank waits in an order of its own, all-reduces included, where every rank needs what others may do last.
        const int calls = 12;
        const int length = 40_000;
        var buffers = new TestBuffer[calls];
        var works = new Work[calls];
        for (var i = 0; i < calls; i++)
        {
            buffers[i] = new TestBuffer(length, DType.F32).Fill(group.Rank, i);
            works[i] = group.AllReduce($"call {i}", buffers[i], ReduceOp.Sum);
        }

        var order = Enumerable.Range(0, calls).ToArray();
        new Random(group.Rank).Shuffle(order);
        foreach (var i in order)
        {
            works[i].Wait();
            Assert.Equal(CanonicalTree.Reduce(ranks, length, DType.F32, ReduceOp.Sum, i), buffers[i].Bytes);
        }

        foreach (var i in order.Reverse())
        {
            works[i].WaitInputs();
            Assert.True(works[i].IsCompleted);
            buffers[i].Dispose();
        }
    });

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void WaitInputs_Alone_FreesTheInputEvenWhenThePeersWaitLate(int ranks) => Run(ranks, group =>
    {
        using var shard = new TestBuffer(100, DType.F32).Fill(group.Rank);
        using var whole = new TestBuffer(100 * ranks, DType.F32);
        var work = group.AllGather("gather", shard, whole);

        // Odd ranks wait late; the even ones need the odd ones' parts done before they may overwrite their own shards.
        if (group.Rank % 2 == 1)
            Thread.Sleep(20);
        work.WaitInputs();
        shard.Fill(group.Rank, 99);
        group.Barrier("all have overwritten");
        Assert.Equal(Concatenate(ranks, rank => Filled(100, DType.F32, rank)), whole.Bytes);
    });

    [Fact]
    public void Barrier_HoldsEveryRankUntilTheLastHasCome()
    {
        var arrived = 0;
        Run(4, group =>
        {
            for (var round = 1; round <= 20; round++)
            {
                if ((group.Rank + round) % 4 == 0)
                    Thread.Sleep(2);
                Interlocked.Increment(ref arrived);
                group.Barrier("round");
                Assert.True(!SharesVariables || Volatile.Read(ref arrived) >= 4 * round);
            }
        });
    }

    [Fact]
    public void Delays_OnAnyRankBeforeAndAfterCalls_ChangeNothing() => Run(3, group =>
    {
        var random = new Random(group.Rank);
        for (var round = 0; round < 60; round++)
        {
            using var whole = new TestBuffer(3 * 50, DType.F32).Fill(group.Rank, round);
            using var shard = new TestBuffer(50, DType.F32);
            Thread.Sleep(random.Next(0, 3));
            var work = group.ReduceScatter("delayed", whole, shard, ReduceOp.Sum);
            Thread.Sleep(random.Next(0, 3));
            work.WaitInputs();
            whole.Fill(group.Rank, -1);
            var expected = CanonicalTree.Reduce(3, 150, DType.F32, ReduceOp.Sum, round);
            Assert.Equal(expected.AsSpan(group.Rank * 200, 200).ToArray(), shard.Bytes);
        }
    });

    [Fact]
    public void Buffers_OnMeta_MoveNothingAndAreCheckedAndCounted() => Run(2, group =>
    {
        unsafe
        {
            var before = group.Recorder.TotalWireBytes;
            var whole = new CollectiveBuffer(null, 1L << 40, DType.BF16);
            group.AllGather("meta", whole.Slice(group.Rank * (1L << 39), 1L << 39), whole).WaitInputs();
            Assert.Equal(1L << 40, group.Recorder.TotalWireBytes - before);
        }
    });

    private protected static byte[] Filled(long length, DType dtype, int rank, int seed = 0)
    {
        using var buffer = new TestBuffer(length, dtype).Fill(rank, seed);
        return buffer.Bytes;
    }

    private static byte[] Concatenate(int ranks, Func<int, byte[]> part) => [.. Enumerable.Range(0, ranks).SelectMany(part)];

    private static unsafe void Copy(CollectiveBuffer from, CollectiveBuffer to) =>
        Buffer.MemoryCopy(from.Pointer, to.Pointer, to.Bytes, from.Bytes);

    private static void ForEachCase(DType[] types, Action<int, DType> test)
    {
        foreach (var dtype in types)
        {
            foreach (var length in Lengths)
                test(length, dtype);
        }
    }

    private static void ForEachReduction(Action<int, DType, ReduceOp> test)
    {
        foreach (var op in Enum.GetValues<ReduceOp>())
        {
            foreach (var dtype in AllTypes.Where(dtype => dtype != DType.U8 && (op != ReduceOp.Average || dtype.IsFloatingPoint())))
            {
                foreach (var length in Lengths)
                    test(length, dtype, op);
            }
        }
    }
}

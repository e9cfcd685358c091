using System.Runtime.InteropServices;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

public sealed unsafe class SharedMemoryTransportTests : TransportSuite
{
    protected override void Run(int ranks, Action<ProcessGroup> program) => SharedRanks.Run(ranks, rank => program(rank.Group));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Tensors_LieWherePeersSeeThem_AndGiveTheBitsOfTheTree(int ranks) => SharedRanks.Run(ranks, rank =>
    {
        // Blocks of all sizes that the allocator treats differently; freed ones are used again by the next round.
        foreach (var length in (int[])[16, 70_003, 400_000, 1_100_000])
        {
            var (whole, shard) = (Empty(rank, length * ranks), Empty(rank, length));
            var values = new Span<float>(CollectiveBuffer.Of(whole).Pointer, length * ranks);
            Values(rank.Rank, length, values.Length).CopyTo(MemoryMarshal.AsBytes(values));
            rank.Group.ReduceScatter("gradients", CollectiveBuffer.Of(whole), CollectiveBuffer.Of(shard), ReduceOp.Sum).WaitInputs();
            rank.Group.AllGather("parameters", CollectiveBuffer.Of(shard), CollectiveBuffer.Of(whole)).WaitInputs();
            var copies = Enumerable.Range(0, ranks).Select(r => Values(r, length, length * ranks)).ToArray();
            Assert.Equal(CanonicalTree.Reduce(copies, length * ranks, DType.F32, ReduceOp.Sum), MemoryMarshal.AsBytes(values).ToArray());
            whole.Free();
            shard.Free();
        }
    });

    [Fact]
    public void ResultsBeyondTheCaches_AreTheSameBits() => SharedRanks.Run(2, rank =>
    {
        // Above the size at which results are stored around the caches, and of a length that no vector divides.
        var length = (int)(LargeCopy.AroundBytes / sizeof(float) / 2) + 13;
        using var shard = new TestBuffer(length, DType.F32).Fill(rank.Rank, 4);
        using var whole = new TestBuffer(2 * length, DType.F32);
        rank.Group.AllGather("large", shard, whole).WaitInputs();
        for (var r = 0; r < 2; r++)
        {
            using var expected = new TestBuffer(length, DType.F32).Fill(r, 4);
            Assert.True(Singles(whole.Buffer.Slice((long)r * length, length)).SequenceEqual(Singles(expected)));
        }

        foreach (var op in (ReduceOp[])[ReduceOp.Sum, ReduceOp.Average])
        {
            using var own = new TestBuffer(2 * length, DType.F32).Fill(rank.Rank, 5);
            rank.Group.ReduceScatter("large", own, shard, op).WaitInputs();
            using var all = new TestBuffer(2 * length, DType.F32).Fill(rank.Rank, 5);
            rank.Group.AllReduce("large", all, op).WaitInputs();
            Assert.True(Singles(all.Buffer.Slice((long)rank.Rank * length, length)).SequenceEqual(Singles(shard)));
        }
    });

    private static ReadOnlySpan<float> Singles(CollectiveBuffer buffer) => new(buffer.Pointer, checked((int)buffer.Count));

    [Fact]
    public void MoreCallsThanSlotsInFlight_CompleteInOrder() => SharedRanks.Run(3, rank =>
    {
        const int calls = 3 * SharedBoard.Depth;
        var buffers = Enumerable.Range(0, calls).Select(i => new TestBuffer(5, DType.F32).Fill(rank.Rank, i)).ToArray();
        var works = buffers.Select((buffer, i) => rank.Group.AllReduce($"call {i}", buffer, ReduceOp.Sum)).ToArray();
        for (var i = calls - 1; i >= 0; i--)
        {
            works[i].WaitInputs();
            Assert.Equal(CanonicalTree.Reduce(3, 5, DType.F32, ReduceOp.Sum, i), buffers[i].Bytes);
            buffers[i].Dispose();
        }
    });

    private static Tensor Empty(RankContext rank, int length) => rank.Tensors.Empty([length], kind: MemoryKind.Gradient);

    private static byte[] Values(int rank, int seed, int length) =>
        [.. Enumerable.Range(0, length).SelectMany(i => BitConverter.GetBytes((float)TestBuffer.Value(rank, seed, i)))];
}

public sealed class SharedMemoryFailureTests : FailureSuite
{
    protected override void Run(int ranks, Action<RankContext> program, WorldOptions? options = null) => SharedRanks.Run(ranks, program, options);

    protected override void AssertCause(Exception thrown, Exception told)
    {
        var remote = Assert.IsType<RemoteRankException>(told);
        Assert.Equal((thrown.GetType().FullName, thrown.Message), (remote.TypeName, remote.Message));
    }
}

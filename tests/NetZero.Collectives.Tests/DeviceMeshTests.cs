using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

public sealed class DeviceMeshTests
{
    [Theory]
    [InlineData(2, 4)]
    [InlineData(4, 2)]
    [InlineData(2, 2)]
    public void ReducingWithinAndThenAcrossPowerOfTwoGroups_EqualsTheFlatMesh(int replicate, int shard)
    {
        var ranks = replicate * shard;
        Ranks.Run(ranks, rank =>
        {
            var mesh = new DeviceMesh(rank.Group, [replicate, shard], ["replicate", "shard"]);
            Assert.Equal([rank.Rank / shard, rank.Rank % shard], mesh.Coordinates);
            Assert.Equal(rank.Rank % shard, mesh["shard"].Rank);
            Assert.Equal(rank.Rank / shard, mesh["replicate"].Rank);

            using var whole = new TestBuffer(shard * 100, DType.F32).Fill(rank.Rank);
            var own = whole.Buffer.Slice(mesh["shard"].Rank * 100, 100);
            mesh["shard"].ReduceScatter("within", whole, own, ReduceOp.Average).WaitInputs();
            mesh["replicate"].AllReduce("across", own, ReduceOp.Average).WaitInputs();
            mesh["shard"].AllGather("gather", own, whole).WaitInputs();
            Assert.Equal(CanonicalTree.Reduce(ranks, shard * 100, DType.F32, ReduceOp.Average, 0), whole.Bytes);
            Assert.Equal(["shard", "replicate", "shard"], rank.Group.Recorder.Calls.Select(call => call.Group));
        });
    }

    [Fact]
    public void CallsOnSeveralGroupsInFlight_MayBeAwaitedInAnyOrder() => Ranks.Run(8, rank =>
    {
        var mesh = new DeviceMesh(rank.Group, [2, 4], ["replicate", "shard"]);
        ProcessGroup[] groups = [mesh["shard"], mesh["replicate"], rank.Group];
        var random = new Random(rank.Rank);
        for (var round = 0; round < 30; round++)
        {
            var buffers = groups.Select((_, i) => new TestBuffer(200, DType.F32).Fill(rank.Rank, i)).ToArray();
            var works = groups.Select((group, i) => group.AllReduce($"round {round}", buffers[i], ReduceOp.Sum)).ToArray();
            int[] order = [0, 1, 2];
            random.Shuffle(order);
            foreach (var i in order)
            {
                if (random.Next(4) == 0)
                    Thread.Sleep(1);
                works[i].Wait();
            }

            Assert.Equal(CanonicalTree.Reduce(8, 200, DType.F32, ReduceOp.Sum, 2), buffers[2].Bytes);
            foreach (var (work, buffer) in works.Zip(buffers))
            {
                work.WaitInputs();
                buffer.Dispose();
            }
        }
    });

    [Fact]
    public void AMismatchInAGroup_NamesWorldRanks()
    {
        var thrown = Assert.Throws<CollectiveMismatchException>(() => Ranks.Run(4, rank =>
        {
            var mesh = new DeviceMesh(rank.Group, [2, 2], ["replicate", "shard"]);
            mesh["shard"].Barrier(rank.Rank == 3 ? "other" : "same");
            rank.Cancellation.WaitHandle.WaitOne();
        }));
        Assert.Equal([2, 3], new[] { thrown.FirstRank, thrown.SecondRank }.Order());
        Assert.Contains("group 'shard'", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneAxis_IsTheGroupItself() => Ranks.Run(3, rank => Assert.Same(rank.Group, rank.Mesh["shard"]));

    [Fact]
    public void BadShapesAndNames_AreRefused()
    {
        var group = new FakeProcessGroup(0, 8);
        Assert.Throws<ArgumentException>(() => new DeviceMesh(group, [2, 3], ["a", "b"]));
        Assert.Throws<ArgumentException>(() => new DeviceMesh(group, [2, 4], ["a", "a"]));
        Assert.Throws<ArgumentException>(() => new DeviceMesh(group, [2, 4], ["a"]));
        Assert.Throws<ArgumentException>(() => new DeviceMesh(group)["replicate"]);
        Assert.Throws<ArgumentException>(() => group.CreateSubgroup("others", [1, 2]));
        Assert.Throws<ArgumentException>(() => group.CreateSubgroup("twice", [0, 1, 1]));
    }
}

using System.Net;
using System.Net.Sockets;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

/// <summary>How ranks that are processes come together, and who is turned away.</summary>
public sealed class RendezvousTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task AnotherVersion_IsRefused_NamingBoth()
    {
        await using var coordinator = Coordinator.Start(new IPEndPoint(IPAddress.Loopback, 0), 2, "", Soon);
        var errors = await Task.WhenAll(JoinAsync(coordinator, 0, "0.1.0"), JoinAsync(coordinator, 1, "0.2.0"));
        Assert.All(errors, error => Assert.Equal("rank 1 has NetZero 0.2.0, rank 0 has 0.1.0", error));
    }

    [Fact]
    public async Task RankOfAnotherJob_IsTurnedAway_AndTheJobGoesOn()
    {
        await using var coordinator = Coordinator.Start(new IPEndPoint(IPAddress.Loopback, 0), 2, "ours", Soon);
        var stranger = await JoinAsync(coordinator, 1, "0.1.0", "theirs");
        Assert.StartsWith("rank 1 belongs to another job ('theirs'), which has come to the port of this one ('ours')", stranger, StringComparison.Ordinal);
        var errors = await Task.WhenAll(JoinAsync(coordinator, 0, "0.1.0", "ours"), JoinAsync(coordinator, 1, "0.1.0", "ours"));
        Assert.All(errors, error => Assert.Equal("", error));
    }

    [Fact]
    public async Task PortInUse_IsSaidWithWhatToDo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var worker = new WorkerEnvironment { Rank = 0, WorldSize = 2, LocalRank = 0, LocalWorldSize = 2, MasterPort = ((IPEndPoint)taken.LocalEndpoint).Port };
        var error = await Assert.ThrowsAsync<RendezvousException>(() => ProcessWorld.RunAsync(worker, _ => Task.CompletedTask));
        Assert.StartsWith($"rank 0 cannot listen on 127.0.0.1:{worker.MasterPort}: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("choose another MASTER_PORT", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddressThatACrashedJobLeft_IsReplaced()
    {
        var file = Path.Combine(Path.GetTempPath(), $"netzero-test-{Guid.NewGuid():N}");

        // Nobody listens there, and nobody else gets the port meanwhile.
        using var dead = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        dead.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        RendezvousFile.Write(file, (IPEndPoint)dead.LocalEndPoint!);
        try
        {
            // The one that waits for rank 0 comes first, and finds what the crashed job has left.
            var second = ProcessWorld.RunAsync(SharedRanks.Worker(1, 2, file), SumAsync, Ranks.Options);
            await Task.Delay(100);
            await Task.WhenAll(second, ProcessWorld.RunAsync(SharedRanks.Worker(0, 2, file), SumAsync, Ranks.Options));
        }
        finally
        {
            File.Delete(file);
        }

        static Task SumAsync(RankContext rank)
        {
            double[] sum = [rank.Rank + 1];
            rank.Group.AllReduce("sum", sum, ReduceOp.Sum);
            Assert.Equal(3, sum[0]);
            return Task.CompletedTask;
        }
    }

    // What a rank is told when it joins; nothing when all is well.
    private static async Task<string> JoinAsync(Coordinator coordinator, int rank, string version, string job = "")
    {
        var worker = new WorkerEnvironment { Rank = rank, WorldSize = 2, LocalRank = rank, LocalWorldSize = 2, MasterPort = coordinator.EndPoint.Port, JoinTimeout = Soon };
        await using var link = await CoordinatorLink.ConnectAsync(worker, CancellationToken.None);
        try
        {
            await link.JoinAsync(new Hello(rank, 2, job, Environment.ProcessId, "here", "", "", [new("NetZero", version)]), CancellationToken.None);
            return "";
        }
        catch (RendezvousException e)
        {
            return e.Message;
        }
    }
}

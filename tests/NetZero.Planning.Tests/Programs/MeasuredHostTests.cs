using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Planning.Tests;

/// <summary>Plans on a machine whose every kernel is known: times are sums that can be written down.</summary>
public class MeasuredHostTests
{
    private static readonly Gpt2Config Model = new() { LayerCount = 1, HeadCount = 2, EmbeddingSize = 32, PositionCount = 16, VocabularySize = 64 };

    private static ClusterDescription Host(int cores, params DeviceUse[] uses)
    {
        var link = new LinkDescription { Origin = "made up", BytesPerSecond = 1e9, HopSeconds = 0, Oversubscription = 1 };
        return new ClusterDescription
        {
            Name = "host",
            DevicesPerNode = cores,
            Inside = link,
            Network = link,
            Device = new DeviceDescription
            {
                Name = "core",
                Origin = "made up",
                IsHost = true,
                PeakFlopsPerSecond = new Dictionary<string, double> { ["fp32"] = double.PositiveInfinity },
                MatmulFraction = 1,
                MemoryBytesPerSecond = double.PositiveInfinity,
                MemoryBytes = 1L << 30,
                LaunchSeconds = 0,
                Uses = uses,
            },
        };
    }

    private static DeviceUse Use(int ranks, Dictionary<string, KernelRate> kernels, int threads = 1) => new()
    {
        Ranks = ranks,
        Threads = threads,
        LaunchSeconds = 0,
        StepSeconds = 0,
        LoadSecondsPerToken = 0,
        Kernels = kernels,
    };

    private static ProgramPlan Plan(ClusterDescription host, int ranks, int threads = 1) => Planner.Plan(
        new Gpt2(Model), ShardingPolicy.Zero3, new DeviceMesh(new FakeProcessGroup(0, ranks)), host, TrainingProgram.Gpt2(Model, 1, 16, threads: threads));

    // A linear layer of k inputs and n outputs over 16 tokens: 2 x 16 k n forward, twice that backward. Four layers of a block (3 C, C, 4 C outputs of C; C of 4 C), and the head.
    [Fact]
    public void Gemms_AreThoseOfTheModel()
    {
        var plan = Plan(Host(1, Use(1, new() { ["Gemm"] = new(0, 1e-9, 0) })), 1);
        const double C = 32, Weights = (3 * C * C) + (C * C) + (4 * C * C) + (4 * C * C) + (64 * C);
        Assert.Equal(3 * 2 * 16 * Weights * 1e-9, plan.Time.StepSeconds, 1e-12);
    }

    // Bytes that move while ranks wait: exposed whole, on a host.
    [Fact]
    public void Collectives_TakeTheRanksOwnTime()
    {
        var plan = Plan(Host(2, Use(2, new() { ["AllGather"] = new(0, 0, 1e-9), ["ReduceScatter"] = new(0, 0, 1e-9) })), 2);
        Assert.Equal(plan.Sharding.WireBytes * 1e-9, plan.Time.StepSeconds, 1e-12);
        Assert.Equal(plan.Time.StepSeconds, plan.Time.ExposedSeconds, 1e-12);
    }

    [Fact]
    public void RanksBeyondTheCores_TakeTurns()
    {
        var host = Host(2, Use(2, new() { ["Gemm"] = new(0, 1e-9, 0) }));
        Assert.Equal(2 * Plan(host, 2).Time.ComputeSeconds, Plan(host, 4).Time.ComputeSeconds, 1e-9);
    }

    [Fact]
    public void RanksOfAHost_ShareItsMemory() => Assert.Equal((1L << 30) / 4, Plan(Host(2, Use(2, [])), 4).BytesOfRank);

    [Fact]
    public void ThreadsThatWereNotMeasured_AreRefusedWithTheRemedy()
    {
        var refused = Assert.Throws<ArgumentException>(() => Plan(Host(2, Use(2, [])), 1, threads: 2));
        Assert.Contains("netzero bench machine --ranks 1 --threads 2", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Description_IsReadAsItWasWritten()
    {
        var host = Host(2, Use(2, new() { ["Gemm"] = new(1e-6, 1e-11, 2e-10) }));
        host = host with { Device = host.Device with { PeakFlopsPerSecond = new Dictionary<string, double> { ["fp32"] = 1e11 }, MemoryBytesPerSecond = 1e10 } };
        var path = Path.GetTempFileName() + ".json";
        try
        {
            File.WriteAllText(path, ClusterCatalog.ToJson(host));
            var read = ClusterCatalog.Find(path);
            Assert.Equal(ClusterCatalog.ToJson(host), ClusterCatalog.ToJson(read));
            Assert.Equal(host.Device.Uses[0].Kernels["Gemm"], read.Device.Uses[0].Kernels["Gemm"]);
            Assert.True(read.Device.IsHost);
        }
        finally
        {
            File.Delete(path);
        }
    }
}

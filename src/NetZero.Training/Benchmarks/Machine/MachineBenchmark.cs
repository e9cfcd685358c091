using System.Globalization;
using System.Runtime.InteropServices;
using NetZero.Planning;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Measures this machine as the planner describes machines: a few seconds of training steps of small models, watched kernel by kernel.</summary>
public static class MachineBenchmark
{
    /// <summary>What the description is called on the command line.</summary>
    public const string Name = "this";

    // Far more than the caches hold, little enough to be there at once.
    private const long BandwidthBytes = 64L << 20;
    private const double BandwidthSeconds = 0.1;

    // Between processes of one host that use none of its memory: loopback; no plan of one machine asks for it.
    private const double NetworkBytesPerSecond = 1e9;
    private const double NetworkHopSeconds = 50e-6;

    /// <summary>The machine under each of several uses.</summary>
    /// <param name="uses">Ranks at once, and threads of each; at least one use.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one rank or thread.</exception>
    public static async Task<ClusterDescription> MeasureAsync(IReadOnlyList<(int Ranks, int Threads)> uses, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(uses);
        ArgumentOutOfRangeException.ThrowIfZero(uses.Count);
        var measured = new List<DeviceUse>();
        foreach (var (ranks, threads) in uses)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
            measured.Add(await UseBenchmark.MeasureAsync(ranks, threads, cancellation).ConfigureAwait(false));
        }

        var cores = Environment.ProcessorCount;
        var busy = Math.Min(cores, uses.Max(use => use.Ranks * use.Threads));
        var peak = FmaPeak.MeasureGflops(busy) * 1e9 / busy;
        var bandwidth = MemoryBandwidthBenchmark.Run(busy, BandwidthBytes, BandwidthSeconds, cancellation).Max(line => line.Rate) * 1e9 / busy;
        var origin = string.Create(
            CultureInfo.InvariantCulture, $"netzero bench machine, {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, {cores} cores, {DateTime.UtcNow:yyyy-MM-dd}");
        return new ClusterDescription
        {
            Name = Name,
            DevicesPerNode = cores,
            Device = new DeviceDescription
            {
                Name = "core",
                Origin = origin,
                IsHost = true,
                PeakFlopsPerSecond = new Dictionary<string, double> { ["fp32"] = peak },
                MatmulFraction = Math.Clamp(1 / (measured[0].Kernels["Gemm"].SecondsPerFlop * measured[0].Threads * peak), 0.01, 1),
                MemoryBytesPerSecond = bandwidth,
                MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
                LaunchSeconds = measured[0].LaunchSeconds,
                Uses = measured,
            },
            Inside = new LinkDescription { Origin = origin, BytesPerSecond = bandwidth, HopSeconds = measured[0].LaunchSeconds, Oversubscription = 1 },
            Network = new LinkDescription { Origin = "loopback, assumed", BytesPerSecond = NetworkBytesPerSecond, HopSeconds = NetworkHopSeconds, Oversubscription = 1 },
            HostBytesPerSecond = bandwidth,
        };
    }
}

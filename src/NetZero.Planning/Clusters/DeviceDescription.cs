using System.Text.Json.Serialization;
using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>One accelerator, or one processor.</summary>
public sealed record DeviceDescription
{
    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>Where the figures come from.</summary>
    public required string Origin { get; init; }

    /// <summary>Nominal dense FLOP/s of matrix products by dtype: <c>bf16</c>, <c>fp8</c>, <c>fp32</c> (TF32 where the device has it).</summary>
    public required IReadOnlyDictionary<string, double> PeakFlopsPerSecond { get; init; }

    /// <summary>The share of the nominal bf16 FLOP/s that large products reach by themselves.</summary>
    public required double MatmulFraction { get; init; }

    /// <summary>Bytes per second of the device's memory.</summary>
    public required double MemoryBytesPerSecond { get; init; }

    /// <summary>Bytes of the device's memory.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Seconds until a kernel that was launched begins.</summary>
    public required double LaunchSeconds { get; init; }

    /// <summary>
    /// Whether it is the host's processor: kernels run on the thread that calls them, collectives take the ranks' own time, and the ranks of a node share its memory.
    /// </summary>
    public bool IsHost { get; init; }

    /// <summary>What was measured on it, by how it was used; empty for devices that are known from data sheets.</summary>
    public IReadOnlyList<DeviceUse> Uses
    {
        get;

        // A file that does not name them leaves null.
        init => field = value ?? [];
    } = [];

    /// <summary>What was measured with as many threads a rank, and the number of ranks nearest to the given one; null where nothing was measured.</summary>
    /// <exception cref="ArgumentException">Something was measured, but never with as many threads.</exception>
    public DeviceUse? Use(int ranks, int threads)
    {
        if (Uses.Count == 0)
            return null;
        return Uses.Where(use => use.Threads == threads).MinBy(use => Math.Abs(use.Ranks - ranks))
            ?? throw new ArgumentException(
                $"device '{Name}' was not measured with {threads} threads a rank, but with {string.Join(", ", Uses.Select(use => $"{use.Ranks} x {use.Threads}"))} (ranks x threads); "
                + $"measure it: netzero bench machine --ranks {ranks} --threads {threads}");
    }

    /// <summary>Nominal FLOP/s of 16-bit products, which MFU is relative to: bf16, else fp16, else fp32 where there are none.</summary>
    [JsonIgnore]
    public double WidePeak => PeakFlopsPerSecond.TryGetValue("bf16", out var peak) || PeakFlopsPerSecond.TryGetValue("fp16", out peak) ? peak : Peak("fp32");

    /// <summary>Nominal FLOP/s of a dtype.</summary>
    /// <exception cref="ArgumentException">The device has no such dtype.</exception>
    public double Peak(string dtype) => PeakFlopsPerSecond.TryGetValue(dtype, out var peak)
        ? peak
        : throw new ArgumentException($"device '{Name}' has no {dtype} matrix products; it has {string.Join(", ", PeakFlopsPerSecond.Keys)}");

    /// <summary>Nominal FLOP/s of products of NetZero's own kernels. A host keeps 16 bits and computes in fp32.</summary>
    /// <exception cref="ArgumentException">The device has no such products.</exception>
    public double Peak(DType dtype) => Peak(IsHost ? "fp32" : ElementTypes.NameOf(dtype));
}

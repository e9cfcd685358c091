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

    /// <summary>Nominal FLOP/s of 16-bit products, which MFU is relative to: bf16, or fp16 where there is none.</summary>
    public double WidePeak => PeakFlopsPerSecond.TryGetValue("bf16", out var peak) ? peak : Peak("fp16");

    /// <summary>Nominal FLOP/s of a dtype.</summary>
    /// <exception cref="ArgumentException">The device has no such dtype.</exception>
    public double Peak(string dtype) => PeakFlopsPerSecond.TryGetValue(dtype, out var peak)
        ? peak
        : throw new ArgumentException($"device '{Name}' has no {dtype} matrix products; it has {string.Join(", ", PeakFlopsPerSecond.Keys)}");
}

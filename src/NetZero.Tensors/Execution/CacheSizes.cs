using System.Globalization;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors;

/// <summary>What the processor says about the caches of one core.</summary>
/// <remarks>Only how work is cut depends on it, never what is computed or how much memory that takes.</remarks>
internal static class CacheSizes
{
    /// <summary>Taken where the processor does not say: the least that cores with wide vectors have.</summary>
    public const long DefaultLevel2Bytes = 512 << 10;

    /// <summary>Bytes of the second-level cache.</summary>
    public static long Level2Bytes { get; } = X86Base.IsSupported ? FromProcessor() : OperatingSystem.IsLinux() ? FromSystem("/sys/devices/system/cpu/cpu0/cache") : DefaultLevel2Bytes;

    /// <summary>Reads Linux's description of a core's caches: a folder for each, with its level, its type and its size in KiB.</summary>
    internal static long FromSystem(string folder)
    {
        try
        {
            foreach (var cache in Directory.EnumerateDirectories(folder, "index*"))
            {
                string Text(string name) => File.ReadAllText(Path.Combine(cache, name)).Trim();
                if (Text("level") == "2" && Text("type") is "Unified" or "Data"
                    && long.TryParse(Text("size").TrimEnd('K'), NumberStyles.None, CultureInfo.InvariantCulture, out var kib) && kib > 0)
                    return kib << 10;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not every kernel tells.
        }

        return DefaultLevel2Bytes;
    }

    // The leaves of "deterministic cache parameters": one subleaf a cache, type 0 after the last. AMD's manual 3, CPUID 8000_001D; Intel's
    // manual 2A, CPUID 04H, of the same layout.
    private static long FromProcessor()
    {
        const int amd = unchecked((int)0x8000001D), amdFeatures = unchecked((int)0x80000001), amdTopology = 1 << 22, intel = 4;
        var highest = X86Base.CpuId(0, 0);
        var isAmd = (uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax >= unchecked((uint)amd)
            && (X86Base.CpuId(amdFeatures, 0).Ecx & amdTopology) != 0;
        if (!isAmd && highest.Eax < intel)
            return DefaultLevel2Bytes;
        for (var cache = 0; cache < 8; cache++)
        {
            var (eax, ebx, ecx, _) = X86Base.CpuId(isAmd ? amd : intel, cache);
            var (type, level) = (eax & 0x1F, (eax >> 5) & 7);
            if (type == 0)
                break;
            if (level != 2 || type == 2)
                continue;
            var (ways, partitions, lineBytes, sets) = ((ebx >> 22) & 0x3FF, (ebx >> 12) & 0x3FF, ebx & 0xFFF, (uint)ecx);
            return (ways + 1L) * (partitions + 1L) * (lineBytes + 1L) * (sets + 1L);
        }

        return DefaultLevel2Bytes;
    }
}

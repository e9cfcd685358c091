using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>What was measured on a machine while a number of ranks trained on it.</summary>
public sealed record DeviceUse
{
    /// <summary>Ranks that were busy at once.</summary>
    public required int Ranks { get; init; }

    /// <summary>Threads of each.</summary>
    public required int Threads { get; init; }

    /// <summary>Seconds that a kernel call costs beside the kernel: shapes, memory, the tape.</summary>
    public required double LaunchSeconds { get; init; }

    /// <summary>Seconds of a step outside kernels, collectives and calls.</summary>
    public required double StepSeconds { get; init; }

    /// <summary>Seconds to read one token of a text.</summary>
    public required double LoadSecondsPerToken { get; init; }

    /// <summary>
    /// Kernels and collectives by name: the kernel's own for fp32, followed by the type for others, such as <c>Gemm bf16</c>. Bytes of a collective are those that a rank sends.
    /// </summary>
    public required IReadOnlyDictionary<string, KernelRate> Kernels { get; init; }

    /// <summary>What a kernel's calls take with elements of a type: as measured with it, else with the other 16-bit type, else with fp32. Null where none was measured.</summary>
    public KernelRate? Rate(string kernel, DType dtype)
    {
        foreach (var nearest in dtype switch
        {
            DType.F16 => (DType[])[DType.F16, DType.BF16, DType.F32],
            DType.BF16 => [DType.BF16, DType.F16, DType.F32],
            _ => [DType.F32],
        })
        {
            if (Kernels.TryGetValue(NameOf(kernel, nearest), out var rate))
                return rate;
        }

        return null;
    }

    /// <summary>The key of a kernel among <see cref="Kernels"/>.</summary>
    public static string NameOf(string kernel, DType dtype) => dtype is DType.BF16 or DType.F16 ? $"{kernel} {ElementTypes.NameOf(dtype)}" : kernel;
}

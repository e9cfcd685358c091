namespace NetZero.Tensors;

/// <summary>The type of a tensor's elements.</summary>
public enum DType
{
    /// <summary>IEEE 754 single precision, 4 bytes. The type that the CPU kernels compute in.</summary>
    F32,

    /// <summary>bfloat16: the upper half of a single, 2 bytes. A storage and wire format on CPUs.</summary>
    BF16,

    /// <summary>IEEE 754 half precision, 2 bytes. A storage and wire format on CPUs.</summary>
    F16,

    /// <summary>Signed 32-bit integers, 4 bytes: token ids, indices.</summary>
    I32,

    /// <summary>Signed 64-bit integers, 8 bytes.</summary>
    I64,

    /// <summary>Unsigned 8-bit integers, 1 byte: raw text, masks (0 is false).</summary>
    U8,
}

/// <summary>Facts about <see cref="DType"/> values.</summary>
public static class DTypes
{
    /// <summary>Bytes that one element takes.</summary>
    public static int SizeInBytes(this DType dtype) => dtype switch
    {
        DType.F32 or DType.I32 => 4,
        DType.BF16 or DType.F16 => 2,
        DType.I64 => 8,
        DType.U8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Unknown element type."),
    };

    /// <summary>How many types there are.</summary>
    internal const int Count = 6;

    /// <summary>The type that stands for all of a width in kernels that only move elements.</summary>
    internal static DType OfWidth(int bytes) => bytes switch
    {
        1 => DType.U8,
        2 => DType.BF16,
        4 => DType.F32,
        _ => DType.I64,
    };

    /// <summary>Whether elements are floating point, so that gradients make sense.</summary>
    public static bool IsFloatingPoint(this DType dtype) => dtype is DType.F32 or DType.BF16 or DType.F16;
}

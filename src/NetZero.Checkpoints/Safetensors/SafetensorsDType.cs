using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>The element types that the safetensors format knows, the ones that NetZero does not compute with included.</summary>
public enum SafetensorsDType
{
    /// <summary>Booleans, one byte each.</summary>
    Bool,

    /// <summary>4-bit floats, two to a byte.</summary>
    F4,

    /// <summary>6-bit floats with 2 exponent bits.</summary>
    F6E2M3,

    /// <summary>6-bit floats with 3 exponent bits.</summary>
    F6E3M2,

    /// <summary>Unsigned bytes.</summary>
    U8,

    /// <summary>Signed bytes.</summary>
    I8,

    /// <summary>8-bit floats with 5 exponent bits.</summary>
    F8E5M2,

    /// <summary>8-bit floats with 4 exponent bits.</summary>
    F8E4M3,

    /// <summary>8-bit powers of two (scales).</summary>
    F8E8M0,

    /// <summary>8-bit floats with 4 exponent bits and no infinity or negative zero.</summary>
    F8E4M3FNUZ,

    /// <summary>8-bit floats with 5 exponent bits and no infinity or negative zero.</summary>
    F8E5M2FNUZ,

    /// <summary>Signed 16-bit integers.</summary>
    I16,

    /// <summary>Unsigned 16-bit integers.</summary>
    U16,

    /// <summary>IEEE 754 half precision.</summary>
    F16,

    /// <summary>bfloat16.</summary>
    BF16,

    /// <summary>Signed 32-bit integers.</summary>
    I32,

    /// <summary>Unsigned 32-bit integers.</summary>
    U32,

    /// <summary>IEEE 754 single precision.</summary>
    F32,

    /// <summary>Pairs of singles.</summary>
    C64,

    /// <summary>IEEE 754 double precision.</summary>
    F64,

    /// <summary>Signed 64-bit integers.</summary>
    I64,

    /// <summary>Unsigned 64-bit integers.</summary>
    U64,
}

/// <summary>Names and widths of <see cref="SafetensorsDType"/> values.</summary>
internal static class SafetensorsDTypes
{
    // The names as files spell them, and the bits of one element.
    private static readonly (SafetensorsDType DType, string Name, int Bits)[] Table =
    [
        (SafetensorsDType.Bool, "BOOL", 8),
        (SafetensorsDType.F4, "F4", 4),
        (SafetensorsDType.F6E2M3, "F6_E2M3", 6),
        (SafetensorsDType.F6E3M2, "F6_E3M2", 6),
        (SafetensorsDType.U8, "U8", 8),
        (SafetensorsDType.I8, "I8", 8),
        (SafetensorsDType.F8E5M2, "F8_E5M2", 8),
        (SafetensorsDType.F8E4M3, "F8_E4M3", 8),
        (SafetensorsDType.F8E8M0, "F8_E8M0", 8),
        (SafetensorsDType.F8E4M3FNUZ, "F8_E4M3FNUZ", 8),
        (SafetensorsDType.F8E5M2FNUZ, "F8_E5M2FNUZ", 8),
        (SafetensorsDType.I16, "I16", 16),
        (SafetensorsDType.U16, "U16", 16),
        (SafetensorsDType.F16, "F16", 16),
        (SafetensorsDType.BF16, "BF16", 16),
        (SafetensorsDType.I32, "I32", 32),
        (SafetensorsDType.U32, "U32", 32),
        (SafetensorsDType.F32, "F32", 32),
        (SafetensorsDType.C64, "C64", 64),
        (SafetensorsDType.F64, "F64", 64),
        (SafetensorsDType.I64, "I64", 64),
        (SafetensorsDType.U64, "U64", 64),
    ];

    public static bool TryParse(string name, out SafetensorsDType dtype)
    {
        foreach (var row in Table)
        {
            if (row.Name == name)
            {
                dtype = row.DType;
                return true;
            }
        }
        dtype = default;
        return false;
    }

    /// <summary>The type in files of tensors that NetZero computes with.</summary>
    public static SafetensorsDType ToSafetensors(this DType dtype) => dtype switch
    {
        DType.F32 => SafetensorsDType.F32,
        DType.BF16 => SafetensorsDType.BF16,
        DType.F16 => SafetensorsDType.F16,
        DType.I32 => SafetensorsDType.I32,
        DType.I64 => SafetensorsDType.I64,
        DType.U8 => SafetensorsDType.U8,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Unknown element type."),
    };

    public static string Name(this SafetensorsDType dtype) => Row(dtype).Name;

    public static int Bits(this SafetensorsDType dtype) => Row(dtype).Bits;

    private static (SafetensorsDType DType, string Name, int Bits) Row(SafetensorsDType dtype)
    {
        if (dtype < 0 || (int)dtype >= Table.Length)
            throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Unknown element type.");
        return Table[(int)dtype];
    }
}

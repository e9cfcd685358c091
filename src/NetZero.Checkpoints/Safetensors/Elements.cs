using System.Runtime.InteropServices;
using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>Conversion of stored elements to single precision; exact, since singles hold every bfloat16 and half value.</summary>
internal static class Elements
{
    /// <summary>Whether tensors of this type can be read as singles.</summary>
    public static bool CanReadAsSingle(SafetensorsDType dtype) =>
        dtype is SafetensorsDType.F32 or SafetensorsDType.BF16 or SafetensorsDType.F16;

    /// <summary>Widens bfloat16 or half elements; <paramref name="source"/> holds 2 bytes for each of <paramref name="destination"/>.</summary>
    public static void Widen(SafetensorsDType dtype, ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (dtype == SafetensorsDType.BF16)
        {
            BFloat16.Widen(MemoryMarshal.Cast<byte, BFloat16>(source), destination);
        }
        else
        {
            var halves = MemoryMarshal.Cast<byte, Half>(source);
            for (var i = 0; i < destination.Length; i++)
                destination[i] = (float)halves[i];
        }
    }
}

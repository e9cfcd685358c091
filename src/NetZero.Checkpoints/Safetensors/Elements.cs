using System.Runtime.InteropServices;
using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>Conversion of stored elements to single precision, exact, since singles hold every bfloat16 and half value; and back, rounded to nearest.</summary>
internal static class Elements
{
    /// <summary>Whether tensors of this type can be read as singles.</summary>
    public static bool CanReadAsSingle(SafetensorsDType dtype) =>
        dtype is SafetensorsDType.F32 or SafetensorsDType.BF16 or SafetensorsDType.F16;

    /// <summary>Widens elements; <paramref name="source"/> holds the bytes of as many as <paramref name="destination"/> has.</summary>
    public static void Widen(SafetensorsDType dtype, ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (dtype == SafetensorsDType.F32)
        {
            MemoryMarshal.Cast<byte, float>(source).CopyTo(destination);
        }
        else if (dtype == SafetensorsDType.BF16)
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

    /// <summary>Narrows singles; <paramref name="destination"/> has room for as many elements as <paramref name="source"/> has.</summary>
    public static void Narrow(SafetensorsDType dtype, ReadOnlySpan<float> source, Span<byte> destination)
    {
        if (dtype == SafetensorsDType.F32)
        {
            source.CopyTo(MemoryMarshal.Cast<byte, float>(destination));
        }
        else if (dtype == SafetensorsDType.BF16)
        {
            BFloat16.Narrow(source, MemoryMarshal.Cast<byte, BFloat16>(destination));
        }
        else
        {
            var halves = MemoryMarshal.Cast<byte, Half>(destination);
            for (var i = 0; i < source.Length; i++)
                halves[i] = (Half)source[i];
        }
    }
}

using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>A bfloat16 number: the upper half of a single. Storage only; arithmetic is done in single precision.</summary>
/// <param name="Bits">Sign, 8 bits of exponent, 7 bits of mantissa.</param>
public readonly record struct BFloat16(ushort Bits)
{
    /// <summary>Rounds to nearest, ties to even; NaN stays NaN.</summary>
    public static explicit operator BFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return new BFloat16((ushort)((bits >> 16) | 0x40));
        return new BFloat16((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    /// <summary>Widens exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static explicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <summary>Rounds many at once, as the conversion of one does, at the vector width at hand.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static unsafe void Narrow(ReadOnlySpan<float> source, Span<BFloat16> destination)
    {
        CheckLengths(source.Length, destination.Length);
        fixed (float* from = source)
        fixed (BFloat16* to = destination)
            HalfFormats.NarrowToBFloat16(from, (ushort*)to, source.Length);
    }

    /// <summary>Widens many at once, exactly, at the vector width at hand.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static unsafe void Widen(ReadOnlySpan<BFloat16> source, Span<float> destination)
    {
        CheckLengths(source.Length, destination.Length);
        fixed (BFloat16* from = source)
        fixed (float* to = destination)
            HalfFormats.WidenBFloat16((ushort*)from, to, source.Length);
    }

    /// <summary>The value as a single.</summary>
    public override string ToString() => ((float)this).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static void CheckLengths(int source, int destination)
    {
        if (source != destination)
            throw new ArgumentException($"Conversion of {source:N0} numbers into room for {destination:N0}: the lengths must agree.");
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors.Cpu;

/// <summary>Contiguous floats to and from the two 16-bit formats, by integer arithmetic on their bits at any vector width.</summary>
internal static unsafe class HalfFormats
{
    private const uint Sign = 0x8000_0000;
    private const uint Infinity = 0x7F80_0000;

    /// <summary>bfloat16 to float: exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WidenBFloat16(ushort* source, float* destination, int count)
    {
        var i = 0;
        if (Avx2.IsSupported)
        {
            for (; i <= count - 16; i += 16)
            {
                var low = Avx2.ConvertToVector256Int32(source + i);
                var high = Avx2.ConvertToVector256Int32(source + i + 8);
                Avx2.ShiftLeftLogical(low, 16).AsSingle().Store(destination + i);
                Avx2.ShiftLeftLogical(high, 16).AsSingle().Store(destination + i + 8);
            }
        }

        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Unsafe.ReadUnaligned<Vector<ushort>>(source + i), out var low, out var high);
            Unsafe.WriteUnaligned(destination + i, low << 16);
            Unsafe.WriteUnaligned(destination + i + Vector<uint>.Count, high << 16);
        }

        for (; i < count; i++)
            destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }

    /// <summary>Float to bfloat16: to nearest, ties to even; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NarrowToBFloat16(float* source, ushort* destination, int count) => BFloat16Row(source, destination, count);

    /// <summary>Rows of floats to rows of bfloat16, each with elements side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NarrowToBFloat16(
        float* source, long sourceStride, ushort* destination, long destinationStride, long rows, int columns)
    {
        for (; rows > 0; rows--)
        {
            BFloat16Row(source, destination, columns);
            source += sourceStride;
            destination += destinationStride;
        }
    }

    /// <summary>Half to float: exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WidenHalf(ushort* source, float* destination, int count)
    {
        var i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Unsafe.ReadUnaligned<Vector<ushort>>(source + i), out var low, out var high);
            Unsafe.WriteUnaligned(destination + i, FloatBits(low));
            Unsafe.WriteUnaligned(destination + i + Vector<uint>.Count, FloatBits(high));
        }

        for (; i < count; i++)
            destination[i] = (float)BitConverter.UInt16BitsToHalf(source[i]);
    }

    /// <summary>Float to half: to nearest, ties to even; what rounds above 65,504 becomes infinite, NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NarrowToHalf(float* source, ushort* destination, int count) => HalfRow(source, destination, count);

    /// <summary>Rows of floats to rows of half, each with elements side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NarrowToHalf(
        float* source, long sourceStride, ushort* destination, long destinationStride, long rows, int columns)
    {
        for (; rows > 0; rows--)
        {
            HalfRow(source, destination, columns);
            source += sourceStride;
            destination += destinationStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BFloat16Row(float* source, ushort* destination, int count)
    {
        var i = 0;
        if (Avx2.IsSupported)
        {
            // NaN is asked for once for sixteen: elsewhere rounding is all there is to do.
            for (; i <= count - 16; i += 16)
            {
                var (a, b) = (Vector256.Load(source + i), Vector256.Load(source + i + 8));
                if (Avx.MoveMask(Avx.CompareUnordered(a, b)) != 0)
                {
                    BFloat16Elements(source + i, destination + i, 16);
                    continue;
                }

                var packed = Avx2.PackUnsignedSaturate(Rounded(a), Rounded(b));
                Avx2.Permute4x64(packed.AsUInt64(), 0b11_01_10_00).AsUInt16().Store(destination + i);
            }
        }

        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            var low = BFloat16Bits(Unsafe.ReadUnaligned<Vector<uint>>(source + i));
            var high = BFloat16Bits(Unsafe.ReadUnaligned<Vector<uint>>(source + i + Vector<uint>.Count));
            Unsafe.WriteUnaligned(destination + i, Vector.Narrow(low, high));
        }

        if (i < count)
            BFloat16Elements(source + i, destination + i, count - i);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void BFloat16Elements(float* source, ushort* destination, int count)
    {
        for (var i = 0; i < count; i++)
            destination[i] = ((BFloat16)source[i]).Bits;
    }

    // As BFloat16Bits, for what is not NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Rounded(Vector256<float> value)
    {
        var bits = value.AsUInt32();
        return ((bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One)) >> 16).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void HalfRow(float* source, ushort* destination, int count)
    {
        var i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            var low = HalfBits(Unsafe.ReadUnaligned<Vector<uint>>(source + i));
            var high = HalfBits(Unsafe.ReadUnaligned<Vector<uint>>(source + i + Vector<uint>.Count));
            Unsafe.WriteUnaligned(destination + i, Vector.Narrow(low, high));
        }

        for (; i < count; i++)
            destination[i] = BitConverter.HalfToUInt16Bits((Half)source[i]);
    }

    // Adding just below half of the last kept place, plus that place's own bit, carries exactly where rounding goes up.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> BFloat16Bits(Vector<uint> bits)
    {
        var rounded = (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;
        var isNan = Vector.GreaterThan(bits & new Vector<uint>(~Sign), new Vector<uint>(Infinity));
        return Vector.ConditionalSelect(isNan, (bits >> 16) | new Vector<uint>(0x40), rounded);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> HalfBits(Vector<uint> bits)
    {
        var sign = bits & new Vector<uint>(Sign);
        var magnitude = bits ^ sign;

        // Normal halves: the exponent's bias goes from 127 to 15, and 13 bits are rounded away. A carry may reach the exponent, up to
        // infinity.
        var normal = (magnitude - new Vector<uint>((112u << 23) - 0xFFF) + ((magnitude >> 13) & Vector<uint>.One)) >> 13;

        // Below 2^-14, halves are multiples of 2^-24, which are the last places of floats around 0.5: adding 0.5 rounds, and the low bits
        // count them.
        var denormal = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) + new Vector<float>(0.5f)) - new Vector<uint>(0x3F00_0000);

        var isNan = Vector.GreaterThan(magnitude, new Vector<uint>(Infinity));
        var special = Vector.ConditionalSelect(isNan, new Vector<uint>(0x7E00), new Vector<uint>(0x7C00));
        var half = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<uint>(113u << 23)), denormal, normal);
        half = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<uint>(143u << 23)), half, special);
        return half | (sign >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> FloatBits(Vector<uint> half)
    {
        var sign = (half & new Vector<uint>(0x8000)) << 16;
        var magnitude = half & new Vector<uint>(0x7FFF);
        var normal = (magnitude << 13) + new Vector<uint>(112u << 23);
        var special = (magnitude << 13) | new Vector<uint>(Infinity);

        // Denormal halves count 2^-24: put into the low bits of 0.5 they are that many last places above it.
        var denormal = Vector.AsVectorUInt32(
            Vector.AsVectorSingle(magnitude + new Vector<uint>(0x3F00_0000)) - new Vector<float>(0.5f));
        var bits = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<uint>(0x0400)), denormal, normal);
        bits = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<uint>(0x7C00)), bits, special);
        return bits | sign;
    }
}

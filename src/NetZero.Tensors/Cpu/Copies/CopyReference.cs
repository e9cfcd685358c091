namespace NetZero.Tensors.Cpu;

/// <summary>What the copying kernels compute, one element at a time.</summary>
internal static unsafe class CopyReference
{
    /// <summary>Copies element <paramref name="i"/> of a strided view to where another view has it.</summary>
    public static void Strided(
        byte* source,
        byte* destination,
        int elementBytes,
        long i,
        ReadOnlySpan<long> extents,
        ReadOnlySpan<long> sourceStrides,
        ReadOnlySpan<long> destinationStrides)
    {
        var from = source + (ElementwiseReference.Offset(i, extents, sourceStrides) * elementBytes);
        var to = destination + (ElementwiseReference.Offset(i, extents, destinationStrides) * elementBytes);
        for (var b = 0; b < elementBytes; b++)
            to[b] = from[b];
    }

    /// <summary>
    /// One conversion, by C#'s own operators: to nearest even between floating-point types, saturating truncation to integers.
    /// </summary>
    public static void Cast(void* source, DType from, void* destination, DType to, long i)
    {
        if (!from.IsFloatingPoint() && !to.IsFloatingPoint())
        {
            var whole = from switch
            {
                DType.I32 => ((int*)source)[i],
                DType.I64 => ((long*)source)[i],
                _ => ((byte*)source)[i],
            };
            switch (to)
            {
                case DType.I32: ((int*)destination)[i] = unchecked((int)whole); break;
                case DType.I64: ((long*)destination)[i] = whole; break;
                default: ((byte*)destination)[i] = unchecked((byte)whole); break;
            }

            return;
        }

        var value = from switch
        {
            DType.F32 => ((float*)source)[i],
            DType.BF16 => (float)((BFloat16*)source)[i],
            DType.F16 => (float)((Half*)source)[i],
            DType.I32 => ((int*)source)[i],
            DType.I64 => ((long*)source)[i],
            _ => ((byte*)source)[i],
        };
        switch (to)
        {
            case DType.F32: ((float*)destination)[i] = value; break;
            case DType.BF16: ((BFloat16*)destination)[i] = (BFloat16)value; break;
            case DType.F16: ((Half*)destination)[i] = (Half)value; break;
            case DType.I32: ((int*)destination)[i] = int.CreateSaturating(value); break;
            case DType.I64: ((long*)destination)[i] = long.CreateSaturating(value); break;
            default: ((byte*)destination)[i] = byte.CreateSaturating(value); break;
        }
    }
}

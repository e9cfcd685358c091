using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Flat memory as spans of floats that the host reads or fills: lengths are 64-bit, spans are not, and devices may have memory of their own.</summary>
/// <remarks>Elements of other types are converted as <see cref="CastOp.Cast"/> does: 16-bit ones to nearest; codes in U8 are the numbers from 0 to 255.</remarks>
public static class FlatMemory
{
    private const int LargestSpan = 1 << 28;
    private const int StagedSpan = 1 << 22;

    /// <summary>Receives a part of a range.</summary>
    /// <param name="first">Where the part begins, counted from the range's beginning.</param>
    /// <param name="span">The part.</param>
    public delegate void Visitor(long first, Span<float> span);

    /// <summary>Lets the host write <paramref name="count"/> elements of a contiguous tensor from <paramref name="start"/> on, part by part: every element of each.</summary>
    public static void Fill(Tensor tensor, long start, long count, Visitor fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        Visit(tensor, start, count, (part, first, staged) =>
        {
            fill(first, staged);
            if (part is not null)
                Store(part, staged);
        });
    }

    /// <summary>Shows the host <paramref name="count"/> elements of a contiguous tensor from <paramref name="start"/> on, part by part.</summary>
    public static void Read(Tensor tensor, long start, long count, Visitor read)
    {
        ArgumentNullException.ThrowIfNull(read);
        Visit(tensor, start, count, (part, first, staged) =>
        {
            if (part is not null)
                Load(part, staged);
            read(first, staged);
        });
    }

    private delegate void PartVisitor(Tensor? part, long first, Span<float> staged);

    // In place where the host can, once the device is done with the memory; elsewhere through a buffer, whose part of the tensor is given as well.
    private static unsafe void Visit(Tensor tensor, long start, long count, PartVisitor visit)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, tensor.Elements);
        var context = tensor.Context;
        if (context.Device.SharesHostMemory && tensor.DType == DType.F32)
        {
            context.Stream.Synchronize();
            var data = tensor.Data<float>() + start;
            for (long done = 0; done < count; done += LargestSpan)
                visit(null, done, new Span<float>(data + done, (int)Math.Min(LargestSpan, count - done)));
            return;
        }

        var staging = new float[Math.Min(StagedSpan, count)];
        for (long done = 0; done < count; done += StagedSpan)
        {
            var length = (int)Math.Min(StagedSpan, count - done);
            visit(context.View(tensor.Storage, tensor.Offset + start + done, [length], tensor.DType), done, staging.AsSpan(0, length));
        }
    }

    private static void Store(Tensor part, ReadOnlySpan<float> values)
    {
        switch (part.DType)
        {
            case DType.F32:
                part.CopyFrom(values);
                break;
            case DType.BF16:
                var narrow = new BFloat16[values.Length];
                BFloat16.Narrow(values, narrow);
                part.CopyFrom<BFloat16>(narrow);
                break;
            case DType.F16:
                part.CopyFrom<Half>(Array.ConvertAll(values.ToArray(), value => (Half)value));
                break;
            case DType.U8:
                part.CopyFrom<byte>(Array.ConvertAll(values.ToArray(), byte.CreateSaturating));
                break;
            default:
                throw NoFloats(part);
        }
    }

    private static void Load(Tensor part, Span<float> values)
    {
        switch (part.DType)
        {
            case DType.F32:
                part.CopyTo(values);
                break;
            case DType.BF16:
                BFloat16.Widen(part.ToArray<BFloat16>(), values);
                break;
            case DType.F16:
                Array.ConvertAll(part.ToArray<Half>(), value => (float)value).CopyTo(values);
                break;
            case DType.U8:
                Array.ConvertAll(part.ToArray<byte>(), value => (float)value).CopyTo(values);
                break;
            default:
                throw NoFloats(part);
        }
    }

    private static ArgumentException NoFloats(Tensor tensor) => new($"{tensor} is not read or filled as floats: parameters are floating point or U8.", nameof(tensor));
}

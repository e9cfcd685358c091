using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Flat float memory as spans: lengths are 64-bit, spans are not.</summary>
public static class FlatMemory
{
    private const int LargestSpan = 1 << 28;

    /// <summary>Receives a part of a range.</summary>
    /// <param name="first">Where the part begins, counted from the range's beginning.</param>
    /// <param name="span">The part.</param>
    public delegate void Visitor(long first, Span<float> span);

    /// <summary>Visits <paramref name="count"/> elements of a contiguous F32 tensor from <paramref name="start"/> on, part by part.</summary>
    public static unsafe void ForEachSpan(Tensor tensor, long start, long count, Visitor visit)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, tensor.Elements);
        var data = tensor.Data<float>() + start;
        for (long done = 0; done < count; done += LargestSpan)
            visit(done, new Span<float>(data + done, (int)Math.Min(LargestSpan, count - done)));
    }
}

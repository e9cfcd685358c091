using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Flat float memory as spans that the host reads or fills: lengths are 64-bit, spans are not, and devices may have memory of their own.</summary>
public static class FlatMemory
{
    private const int LargestSpan = 1 << 28;
    private const int StagedSpan = 1 << 22;

    /// <summary>Receives a part of a range.</summary>
    /// <param name="first">Where the part begins, counted from the range's beginning.</param>
    /// <param name="span">The part.</param>
    public delegate void Visitor(long first, Span<float> span);

    /// <summary>Lets the host write <paramref name="count"/> elements of a contiguous F32 tensor from <paramref name="start"/> on, part by part: every element of each.</summary>
    public static void Fill(Tensor tensor, long start, long count, Visitor fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        Visit(tensor, start, count, (part, first, staged) =>
        {
            fill(first, staged);
            part?.CopyFrom<float>(staged);
        });
    }

    /// <summary>Shows the host <paramref name="count"/> elements of a contiguous F32 tensor from <paramref name="start"/> on, part by part.</summary>
    public static void Read(Tensor tensor, long start, long count, Visitor read)
    {
        ArgumentNullException.ThrowIfNull(read);
        Visit(tensor, start, count, (part, first, staged) =>
        {
            part?.CopyTo(staged);
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
        if (context.Device.SharesHostMemory)
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
            visit(context.View(tensor.Storage, tensor.Offset + start + done, [length]), done, staging.AsSpan(0, length));
        }
    }
}

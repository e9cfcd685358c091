using System.Runtime.InteropServices;

namespace NetZero.Checkpoints;

/// <summary>How a tensor of one checkpoint differs from that of another.</summary>
/// <param name="Name">The tensor.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Problem">Why the elements cannot be compared: it is in one only, or of another shape or type; null where they were.</param>
/// <param name="Elements">Elements of it.</param>
/// <param name="Differing">Elements that differ in any bit.</param>
/// <param name="First">The first of them.</param>
/// <param name="LargestDifference">The largest magnitude of a difference; null where the elements are codes or bytes, which have no difference.</param>
public sealed record TensorDifference(string Name, string Kind, string? Problem, long Elements, long Differing, long First, double? LargestDifference);

/// <summary>Compares two checkpoints tensor by tensor; how either is cut into files plays no part.</summary>
public static class CheckpointComparison
{
    // Whole blocks of both, so that most are read once.
    private const int PieceBytes = BlockChecksums.BlockBytes;

    /// <summary>The tensors that differ, in the order of names.</summary>
    /// <exception cref="CheckpointException">A block of either is damaged.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IEnumerable<TensorDifference> Compare(CheckpointReader first, CheckpointReader second, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        var left = first.Manifest.Tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
        var right = second.Manifest.Tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
        foreach (var name in left.Keys.Union(right.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            cancellation.ThrowIfCancellationRequested();
            if (Problem(left.GetValueOrDefault(name), right.GetValueOrDefault(name)) is { } problem)
            {
                var known = left.GetValueOrDefault(name) ?? right[name];
                yield return new TensorDifference(name, known.Kind, problem, known.Elements(), 0, 0, null);
            }
            else if (Compare(first, left[name], second, right[name], cancellation) is { Differing: > 0 } difference)
            {
                yield return difference;
            }
        }
    }

    private static string? Problem(CheckpointTensor? left, CheckpointTensor? right)
    {
        if (left is null || right is null)
            return left is null ? "only in the second" : "only in the first";
        if (left.DType != right.DType)
            return $"{left.DType} in the first, {right.DType} in the second";
        return left.Shape.SequenceEqual(right.Shape)
            ? null
            : $"{CheckpointFormatException.Show(left.Shape)} in the first, {CheckpointFormatException.Show(right.Shape)} in the second";
    }

    private static TensorDifference Compare(CheckpointReader first, CheckpointTensor left, CheckpointReader second, CheckpointTensor right, CancellationToken cancellation)
    {
        var width = left.ElementBytes();
        var elements = left.Elements();
        _ = SafetensorsDTypes.TryParse(left.DType, out var dtype);
        var found = new TensorDifference(left.Name, left.Kind, null, elements, 0, 0, Elements.CanReadAsSingle(dtype) ? 0 : null);
        byte[] a = new byte[Math.Min(PieceBytes, elements * width)], b = new byte[a.Length];
        for (long start = 0; start < elements; start += PieceBytes / width)
        {
            cancellation.ThrowIfCancellationRequested();
            var bytes = (int)Math.Min(PieceBytes, (elements - start) * width);
            first.Read(left, start, a.AsSpan(0, bytes));
            second.Read(right, start, b.AsSpan(0, bytes));
            if (!a.AsSpan(0, bytes).SequenceEqual(b.AsSpan(0, bytes)))
                found = Add(found, start, a.AsSpan(0, bytes), b.AsSpan(0, bytes), dtype, width);
        }

        return found;
    }

    private static TensorDifference Add(TensorDifference found, long start, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, SafetensorsDType dtype, int width)
    {
        var count = a.Length / width;
        var (differing, first, largest) = (found.Differing, found.First, found.LargestDifference);
        var (left, right) = found.LargestDifference is null ? ([], []) : (Singles(dtype, a, count), Singles(dtype, b, count));
        for (var i = 0; i < count; i++)
        {
            if (a.Slice(i * width, width).SequenceEqual(b.Slice(i * width, width)))
                continue;
            if (differing++ == 0)
                first = start + i;
            if (largest is { } before)
                largest = double.IsNaN(before) ? before : Math.Max(before, Math.Abs((double)left[i] - right[i]));
        }

        return found with { Differing = differing, First = first, LargestDifference = largest };
    }

    private static float[] Singles(SafetensorsDType dtype, ReadOnlySpan<byte> bytes, int count)
    {
        if (dtype == SafetensorsDType.F32)
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        var singles = new float[count];
        Elements.Widen(dtype, bytes, singles);
        return singles;
    }
}

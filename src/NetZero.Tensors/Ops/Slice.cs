namespace NetZero.Tensors;

/// <summary>y = x[.., start .. start + length, ..], a view. Saves nothing. Backward: dx += dy in the slice, zero outside.</summary>
public static class SliceOp
{
    /// <summary>A part of one dimension.</summary>
    /// <exception cref="ArgumentException">The part lies outside the dimension.</exception>
    public static Tensor Slice(this Tensor x, int dim, long start, long length)
    {
        dim = x.Shape.ResolveDim(dim);
        if (start < 0 || length < 0 || start + length > x.Shape[dim])
            throw new ArgumentException($"Slice of {x}: {length:N0} elements from {start:N0} of dimension {dim} do not lie within its {x.Shape[dim]:N0}.");
        var y = View(x, dim, start, length);
        return GradientNode.Records(x) ? y.Attach(new Node(x, dim, start)) : y;
    }

    /// <summary>Cuts one dimension into parts of <paramref name="size"/>; the last may be smaller.</summary>
    public static Tensor[] Split(this Tensor x, long size, int dim = -1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        dim = x.Shape.ResolveDim(dim);
        var extent = x.Shape[dim];
        var parts = new Tensor[(extent + size - 1) / size];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = x.Slice(dim, i * size, Math.Min(size, extent - (i * size)));
        return parts;
    }

    internal static Tensor View(Tensor x, int dim, long start, long length)
    {
        var strides = x.Strides.ToArray();
        return x.Reinterpret(x.Shape.With(dim, length), strides, x.Offset + (start * strides[dim]));
    }

    private sealed class Node(Tensor x, int dim, long start) : GradientNode(x)
    {
        public override string Name => "Slice";

        protected override void Backward(Tensor dOutput, GradientSink sink) =>
            View(sink.ZeroedTarget(0), dim, start, dOutput.Shape[dim]).AddInPlace(dOutput);
    }
}

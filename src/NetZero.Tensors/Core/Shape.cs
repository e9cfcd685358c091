using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

/// <summary>The extents of a tensor, outermost dimension first; <c>[]</c> is a scalar.</summary>
/// <remarks>Immutable. Extents are 64-bit: one block of a 405B model has more than 2^31 elements.</remarks>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>
{
    private readonly long[]? _extents;

    private Shape(long[] extents)
    {
        _extents = extents;
        Elements = 1;
        foreach (var extent in extents)
        {
            if (Math.BigMul(Elements, extent, out var elements) != 0 || elements < 0)
                throw new OverflowException($"A tensor of shape {this} has more than the {long.MaxValue} elements that can be counted.");
            Elements = elements;
        }
    }

    /// <summary>How many dimensions there are; 0 for a scalar.</summary>
    public int Dims => _extents?.Length ?? 0;

    /// <summary>The number of elements: the product of the extents, 1 for a scalar.</summary>
    public long Elements => _extents is null ? 1 : field;

    /// <summary>The bytes of that many elements.</summary>
    /// <exception cref="OverflowException">More than 2^63 - 1.</exception>
    internal long Bytes(DType dtype) => Elements <= long.MaxValue / dtype.SizeInBytes()
        ? Elements * dtype.SizeInBytes()
        : throw new OverflowException($"A tensor of shape {this} has more bytes than can be counted.");

    /// <summary>The extent of one dimension; <c>^1</c> is the innermost.</summary>
    public long this[Index dim] => Extents[dim.GetOffset(Dims)];

    /// <summary>All extents, outermost first.</summary>
    public ReadOnlySpan<long> Extents => _extents;

    /// <summary>Makes a shape; also behind collection expressions: <c>Shape s = [2, 3];</c></summary>
    /// <exception cref="ArgumentException">A negative extent.</exception>
    /// <exception cref="OverflowException">More than 2^63 - 1 elements.</exception>
    public static Shape Create(ReadOnlySpan<long> extents)
    {
        foreach (var extent in extents)
            if (extent < 0)
                throw new ArgumentException($"A shape cannot have the negative extent {extent}: [{string.Join(", ", extents.ToArray())}].", nameof(extents));
        return new Shape(extents.ToArray());
    }

    /// <summary>The shape with <paramref name="dim"/> set to <paramref name="extent"/>.</summary>
    public Shape With(Index dim, long extent)
    {
        var extents = Extents.ToArray();
        extents[dim.GetOffset(Dims)] = extent;
        return Create(extents);
    }

    /// <summary>The strides, in elements, of a contiguous tensor of this shape.</summary>
    internal long[] ContiguousStrides()
    {
        var strides = new long[Dims];
        long stride = 1;
        for (var i = Dims - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= Math.Max(1, Extents[i]);
        }

        return strides;
    }

    /// <summary>Resolves a dimension that may count from the end (-1 is the innermost).</summary>
    /// <exception cref="ArgumentException">No such dimension.</exception>
    public int ResolveDim(int dim)
    {
        var resolved = dim < 0 ? dim + Dims : dim;
        if ((uint)resolved >= (uint)Dims)
            throw new ArgumentException($"A tensor of shape {this} has no dimension {dim}.", nameof(dim));
        return resolved;
    }

    /// <summary>Enumerates the extents.</summary>
    public ReadOnlySpan<long>.Enumerator GetEnumerator() => Extents.GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(Shape other) => Extents.SequenceEqual(other.Extents);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var extent in Extents)
            hash.Add(extent);
        return hash.ToHashCode();
    }

    /// <summary>Such as <c>[2, 3]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Extents.ToArray())}]";

    /// <summary>Whether the extents agree.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether the extents differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);
}

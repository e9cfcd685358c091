namespace NetZero.Tensors;

/// <summary>Visits the elements of a strided view in row-major order, as offsets from the first element.</summary>
internal ref struct StridedWalk
{
    private readonly Shape _shape;
    private readonly ReadOnlySpan<long> _strides;
    private readonly Span<long> _index;
    private long _offset;

    public StridedWalk(Shape shape, ReadOnlySpan<long> strides)
    {
        _shape = shape;
        _strides = strides;
        _index = new long[shape.Dims];
    }

    /// <summary>The offset of the current element; then moves on.</summary>
    public long Next()
    {
        var current = _offset;
        for (var i = _shape.Dims - 1; i >= 0; i--)
        {
            _offset += _strides[i];
            if (++_index[i] < _shape.Extents[i])
                return current;
            _offset -= _strides[i] * _shape.Extents[i];
            _index[i] = 0;
        }

        return current;
    }
}

using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Where the tiles of one block of depth leave their sums: in C; or, of a 16-bit C, in fp32 beside it, rounded at the end.</summary>
internal readonly unsafe struct GemmTarget
{
    private readonly float* _sums;
    private readonly bool _isTile;
    private readonly FloatPointer _narrow;
    private readonly long _narrowStride;
    private readonly bool _reads;
    private readonly bool _writes;

    /// <summary>Sums that are C itself.</summary>
    /// <param name="c">Element (0, 0) of the block.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    public GemmTarget(float* c, long stride)
    {
        _sums = c;
        Stride = stride;
    }

    /// <summary>Sums of a 16-bit C.</summary>
    /// <param name="sums">Element (0, 0) of the block, or room for one tile.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="isTile">Whether there is room for one tile only, since this block of depth is the whole sum.</param>
    /// <param name="c">Element (0, 0) of the block in C.</param>
    /// <param name="cStride">Elements from one row of C to the next.</param>
    /// <param name="reads">Whether C is added to, in this block of depth.</param>
    /// <param name="writes">Whether this block of depth ends the sums.</param>
    public GemmTarget(float* sums, long stride, bool isTile, FloatPointer c, long cStride, bool reads, bool writes)
    {
        _sums = sums;
        Stride = stride;
        _isTile = isTile;
        _narrow = c;
        _narrowStride = cStride;
        _reads = reads;
        _writes = writes;
    }

    /// <summary>Whether <see cref="End"/> writes to a 16-bit C.</summary>
    public bool Writes => _writes;

    /// <summary>The element of a 16-bit C at (row, column).</summary>
    public void* Written(long row, long column) => _narrow.At(row * _narrowStride + column).Data;

    /// <summary>Floats from one row of the sums to the next.</summary>
    public readonly long Stride;

    /// <summary>The sums of the tile at (row, column), to be written or, where the block adds, added to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Begin(long row, long column, long rows, long columns)
    {
        var tile = _isTile ? _sums : _sums + row * Stride + column;
        if (_reads)
            Read(row, column, rows, columns, tile);
        return tile;
    }

    /// <summary>Takes the sums that <see cref="Begin"/> gave, when they are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void End(float* tile, long row, long column, long rows, long columns)
    {
        if (_writes)
            _narrow.At(row * _narrowStride + column).WriteRows(tile, Stride, _narrowStride, rows, (int)columns);
    }

    private void Read(long row, long column, long rows, long columns, float* tile)
    {
        for (long i = 0; i < rows; i++)
            _narrow.At((row + i) * _narrowStride + column).Read(columns, tile + i * Stride);
    }
}

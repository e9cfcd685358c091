namespace NetZero.Tensors.Cpu;

/// <summary>The sizes of a reduction [outer, reduced, inner] to [outer, inner] and its cut into tasks, fixed by the sizes.</summary>
internal readonly record struct ReduceShape(long Outer, long Reduced, long Inner)
{
    /// <summary>Columns reduced together: 1 KiB of each row.</summary>
    public const int ColumnTile = 256;

    // A chunk of a row is one task's worth; a chunk of rows is short enough for single-precision sums (one term in four per addition).
    private const long RowChunk = StridedPlan.ElementsPerTask;
    private const long ColumnChunk = 256;

    /// <summary>Reduced elements of one chunk.</summary>
    public long ChunkRows { get; } = Inner == 1 ? RowChunk : ColumnChunk;

    /// <summary>Chunks of the reduced dimension; one also where it is empty.</summary>
    public long Chunks { get; } = Math.Max(1, Inner == 1 ? (Reduced + RowChunk - 1) / RowChunk : (Reduced + ColumnChunk - 1) / ColumnChunk);

    /// <summary>Tiles of the inner dimension.</summary>
    public long ColumnTiles { get; } = (Inner + ColumnTile - 1) / ColumnTile;

    /// <summary>Chunks of tiles, over all outer indices.</summary>
    public long Items => Outer * Chunks * ColumnTiles;

    /// <summary>How many of them one task does.</summary>
    public long ItemsPerTask =>
        Math.Max(1, StridedPlan.ElementsPerTask / Math.Max(1, Math.Min(ChunkRows, Reduced) * Math.Min(ColumnTile, Math.Max(1, Inner))));

    /// <summary>The number of tasks.</summary>
    public long Tasks => (Items + ItemsPerTask - 1) / ItemsPerTask;

    /// <summary>Scratch memory that the kernel needs, 0 for one chunk.</summary>
    public long WorkspaceBytes => Chunks == 1 ? 0 : Outer * Chunks * Inner * sizeof(float);
}

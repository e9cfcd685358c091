namespace NetZero.Tensors;

/// <summary>Scratch memory for one kernel call; freed by <see cref="Dispose"/>.</summary>
public readonly ref struct Workspace
{
    private readonly TensorContext _context;
    private readonly long _bytes;

    internal Workspace(TensorContext context, long bytes)
    {
        _context = context;
        _bytes = bytes;
        Pointer = bytes > 0 ? context.AllocateBlock(bytes, MemoryKind.Workspace) : 0;
    }

    /// <summary>The first byte, 64-byte aligned; null on Meta or when empty.</summary>
    public nint Pointer { get; }

    /// <summary>The first byte as floats.</summary>
    public unsafe float* Floats => (float*)Pointer;

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_bytes > 0)
            _context.FreeBlock(Pointer, _bytes, MemoryKind.Workspace);
    }
}

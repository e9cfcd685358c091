namespace NetZero.Tensors;

/// <summary>A block of memory that tensors are views of.</summary>
/// <remarks>
/// <para>Note: who frees a tensor. A storage made by an op belongs to the scope that was open and is freed when nothing holds it any more; the holders are that
/// scope, the backward nodes that saved it, and gradients under way (<see cref="Retain"/>, <see cref="Release"/>).</para>
/// <para>A storage made by <see cref="TensorContext.Reserve"/> belongs to whoever made it, a shard unit for example, which gives it memory and takes it away again
/// (<see cref="Materialize"/>, <see cref="Evict"/>) while tensors keep pointing at it: so autograd keeps a parameter's handle and not its bytes.</para>
/// </remarks>
public sealed class Storage
{
    private readonly TensorContext _context;
    private nint _pointer;
    private bool _resident;
    private string? _absence;

    internal Storage(TensorContext context, string name, long bytes, MemoryKind kind, bool scoped)
    {
        _context = context;
        Name = name;
        Bytes = bytes;
        Kind = kind;
        if (scoped)
        {
            References = 1;
            Materialize();
        }
    }

    /// <summary>What made it: an op or a unit. For messages.</summary>
    public string Name { get; }

    /// <summary>Its size in bytes as requested.</summary>
    public long Bytes { get; }

    /// <summary>What it is for.</summary>
    public MemoryKind Kind { get; }

    /// <summary>Whether it has memory now.</summary>
    public bool IsResident => _resident;

    /// <summary>Counts writes in place, so that a backward pass can refuse what it saved and somebody changed.</summary>
    internal int Version { get; private set; }

    /// <summary>How many hold it, when a scope owns it; 0 when reserved.</summary>
    internal int References { get; private set; }

    /// <summary>The scope whose end lets go of it.</summary>
    internal Scope? Owner { get; set; }

    /// <summary>The first byte; null on Meta.</summary>
    /// <exception cref="TensorFreedException">It has no memory now.</exception>
    internal nint Pointer => _resident ? _pointer : throw new TensorFreedException(Name, _absence);

    /// <summary>Gives a reserved storage memory (undefined contents), counted under its kind. Nothing happens when it has some.</summary>
    public void Materialize()
    {
        if (_resident)
            return;
        _pointer = _context.AllocateBlock(Bytes, Kind);
        _resident = true;
    }

    /// <summary>Takes a reserved storage's memory away; <paramref name="why"/> is what an access from then on reports.</summary>
    public void Evict(string why)
    {
        if (!_resident)
            return;
        _context.FreeBlock(_pointer, Bytes, Kind);
        _resident = false;
        _pointer = 0;
        _absence = why;
    }

    /// <summary>Hands the memory of <paramref name="other"/>, reserved, of the same size and kind, over to this one, which has none: nothing is copied.</summary>
    /// <exception cref="InvalidOperationException">Sizes or kinds differ, this one has memory, or the other has none.</exception>
    public void TakeFrom(Storage other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (_resident || !other._resident || other.Bytes != Bytes || other.Kind != Kind)
            throw new InvalidOperationException($"'{Name}' cannot take the memory of '{other.Name}': it must be free, and the other of the same size and kind.");
        (_pointer, _resident) = (other._pointer, true);
        other._resident = false;
        other._pointer = 0;
        other._absence = $"its memory went to '{Name}'";
    }

    /// <summary>Tells that the contents changed in place.</summary>
    internal void Touch() => Version++;

    internal void Retain()
    {
        if (References > 0)
            References++;
    }

    internal void Release(string scope)
    {
        if (References > 0 && --References == 0)
            Evict(scope);
    }
}

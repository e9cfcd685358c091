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
    private readonly bool _scoped;
    private nint _pointer;
    private bool _resident;
    private string? _absence;

    internal Storage(TensorContext context, string name, long bytes, MemoryKind kind, bool scoped)
    {
        _context = context;
        Name = name;
        Bytes = bytes;
        Kind = kind;
        _scoped = scoped;
        if (scoped)
        {
            References = 1;
            GiveMemory();
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

    /// <summary>Whether somebody counts on its contents beyond the ops that use it: reserved, kept, or the memory of a leaf.</summary>
    internal bool IsPrecious { get => field || !_scoped; private set; }

    /// <summary>The first byte; null on Meta.</summary>
    /// <exception cref="TensorFreedException">It has no memory now.</exception>
    internal nint Pointer => _resident ? _pointer : throw new TensorFreedException(Name, _absence);

    /// <summary>What an access to an element reports while there is no memory; null reports why it went. Set by who reserved it.</summary>
    internal Func<long, string>? ExplainAbsence { get; init; }

    /// <summary>The first byte, for an access to a view that begins at <paramref name="element"/>; null on Meta.</summary>
    /// <exception cref="TensorFreedException">It has no memory now.</exception>
    internal nint PointerFor(long element) =>
        _resident || ExplainAbsence is null ? Pointer : throw new TensorFreedException(ExplainAbsence(element));

    /// <summary>Gives a reserved storage memory (undefined contents), counted under its kind. Nothing happens when it has some.</summary>
    /// <exception cref="InvalidOperationException">It was not reserved: scopes free it.</exception>
    public void Materialize()
    {
        RequireReserved(nameof(Materialize));
        if (!_resident)
            GiveMemory();
    }

    /// <summary>Takes a reserved storage's memory away; <paramref name="why"/> is what an access from then on reports.</summary>
    /// <exception cref="InvalidOperationException">It was not reserved: scopes free it.</exception>
    public void Evict(string why)
    {
        RequireReserved(nameof(Evict));
        TakeMemory(why);
    }

    /// <summary>Hands the memory of <paramref name="other"/>, reserved, of the same size and kind, over to this one, which has none: nothing is copied.</summary>
    /// <exception cref="InvalidOperationException">Sizes or kinds differ, this one has memory, the other has none, or one was not reserved.</exception>
    public void TakeFrom(Storage other)
    {
        ArgumentNullException.ThrowIfNull(other);
        RequireReserved(nameof(TakeFrom));
        other.RequireReserved(nameof(TakeFrom));
        if (_resident || !other._resident || other.Bytes != Bytes || other.Kind != Kind)
            throw new InvalidOperationException($"'{Name}' cannot take the memory of '{other.Name}': it must be free, and the other of the same size and kind.");
        (_pointer, _resident) = (other._pointer, true);
        other._resident = false;
        other._pointer = 0;
        other._absence = $"its memory went to '{Name}'";
    }

    /// <summary>Tells that somebody counts on the contents, so that no op may reuse the memory for its result.</summary>
    internal void MarkPrecious() => IsPrecious = true;

    /// <summary>Keeps it until the context ends or it is freed by name, even if its scope has ended and only backward nodes hold it.</summary>
    /// <exception cref="TensorFreedException">Nothing holds it any more.</exception>
    internal void Keep()
    {
        if (!_scoped)
            return;
        if (References == 0)
            throw new TensorFreedException(Name, _absence);
        if (Owner is null)
            Retain();
        _context.AdoptAtRoot(this);
        MarkPrecious();
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
            TakeMemory(scope);
    }

    private void GiveMemory()
    {
        _pointer = _context.AllocateBlock(Bytes, Kind);
        _resident = true;
    }

    private void TakeMemory(string why)
    {
        if (!_resident)
            return;
        _context.FreeBlock(_pointer, Bytes, Kind);
        _resident = false;
        _pointer = 0;
        _absence = why;
    }

    private void RequireReserved(string operation)
    {
        if (_scoped)
        {
            throw new InvalidOperationException(
                $"{operation} of '{Name}', which an op made: its memory comes and goes with scopes; only what TensorContext.Reserve made can be given and taken.");
        }
    }
}

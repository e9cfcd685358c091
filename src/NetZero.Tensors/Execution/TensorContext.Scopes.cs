namespace NetZero.Tensors;

public sealed partial class TensorContext
{
    private readonly Stack<Scope> _spare = [];
    private Scope _scope;

    /// <summary>Opens a scope: what is made until its end, and neither returned, kept nor saved for backward, is freed there.</summary>
    /// <param name="name">For messages about tensors that were used after their scope.</param>
    public OpenScope BeginScope(string name)
    {
        var scope = _spare.TryPop(out var spare) ? spare : new Scope();
        scope.Name = name;
        scope.Parent = _scope;
        _scope = scope;
        return new OpenScope(this, scope);
    }

    /// <summary>Opens the outermost scope of a training step: at its end the tape is cleared as well.</summary>
    public OpenScope BeginStepScope(string name)
    {
        var open = BeginScope(name);
        return open with { ClearsTape = true };
    }

    internal void Adopt(Storage storage) => _scope.Add(storage);

    internal void AdoptAtRoot(Storage storage)
    {
        var root = Root;
        if (storage.Owner != root)
            root.Add(storage);
    }

    internal void Drop(Storage storage) => storage.Owner?.Drop(storage, "it was freed by Free()");

    /// <summary>Closes <paramref name="scope"/> and, after an exception, what is still open inside it.</summary>
    internal void Close(Scope scope, bool clearTape)
    {
        if (clearTape)
            Tape.Clear();
        while (true)
        {
            var inner = _scope;
            if (inner.Parent is null)
                return;
            inner.Close();
            _scope = inner.Parent;
            inner.Parent = null;
            _spare.Push(inner);
            if (ReferenceEquals(inner, scope))
                return;
        }
    }

    private Scope Root
    {
        get
        {
            var scope = _scope;
            while (scope.Parent is { } parent)
                scope = parent;
            return scope;
        }
    }

    private void CloseAllScopes()
    {
        Tape.Clear();
        for (var scope = _scope; scope is not null; scope = scope.Parent)
            scope.Close();
    }
}

/// <summary>An open scope of a <see cref="TensorContext"/>; <see cref="Dispose"/> closes it.</summary>
public readonly record struct OpenScope : IDisposable
{
    private readonly TensorContext _context;
    private readonly Scope _scope;
    private readonly long _closings;

    internal OpenScope(TensorContext context, Scope scope)
    {
        _context = context;
        _scope = scope;
        _closings = scope.Closings;
    }

    internal bool ClearsTape { get; init; }

    /// <summary>Lets a tensor outlive this scope: it belongs to the surrounding one from now on.</summary>
    public Tensor Return(Tensor tensor)
    {
        if (IsOpen)
            _scope.Return(tensor);
        return tensor;
    }

    /// <summary>Closes the scope. Nothing happens when it has been closed before.</summary>
    public void Dispose()
    {
        if (IsOpen)
            _context.Close(_scope, ClearsTape);
    }

    // Scopes are reused: a closed one may be somebody else's by now.
    private bool IsOpen => _scope.Closings == _closings;
}

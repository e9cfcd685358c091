namespace NetZero.Tensors;

/// <summary>A stretch of the program, a module call or a training step, at whose end the tensors it made are let go.</summary>
/// <remarks>See [Note: who frees a tensor] in <see cref="Storage"/>. Scopes close in the reverse order of opening; they are reused, so that none is allocated in a steady step.</remarks>
internal sealed class Scope
{
    private readonly List<Storage> _storages = [];

    public string Name { get; set; } = "";

    public Scope? Parent { get; set; }

    /// <summary>How often it has been closed: tells one opening of a reused scope from another.</summary>
    public long Closings { get; private set; }

    public void Add(Storage storage)
    {
        storage.Owner = this;
        _storages.Add(storage);
    }

    /// <summary>Lets <paramref name="tensor"/> outlive this scope: it belongs to the parent from now on.</summary>
    public void Return(Tensor tensor)
    {
        if (tensor.Storage.Owner == this && Parent is { } parent)
            parent.Add(tensor.Storage);
    }

    public void Close()
    {
        var absence = _storages.Count == 0 ? "" : $"it was freed when the scope '{Name}' ended; Keep() it to use it later";
        foreach (var storage in _storages)
        {
            if (storage.Owner != this)
                continue;
            storage.Owner = null;
            storage.Release(absence);
        }

        _storages.Clear();
        Closings++;
    }

    /// <summary>Drops one storage before the scope ends.</summary>
    public void Drop(Storage storage, string why)
    {
        if (storage.Owner != this)
            return;
        _storages.Remove(storage);
        storage.Owner = null;
        storage.Release(why);
    }
}

namespace NetZero.Tensors;

/// <summary>What a context's ops recorded, in order. Backward walks it from the end.</summary>
/// <remarks>
/// Note: boundaries on the tape. Besides ops the tape holds boundaries, which the sharding engine records where a unit's forward begins and ends. The backward
/// walk reaches a unit's end boundary before any of its ops and its begin boundary after all of them, whatever the graph inside looks like; so the moments "gather
/// before the unit's backward" and "reduce after it" need no hooks on tensors.
/// </remarks>
public sealed class Tape
{
    private readonly List<ITapeEntry> _entries = [];
    private bool _walking;

    internal Tape()
    {
    }

    /// <summary>How many entries wait for a backward pass.</summary>
    public int Count => _entries.Count;

    /// <summary>Records a boundary at this point of the forward pass.</summary>
    public void Record(ITapeBoundary boundary) => _entries.Add(boundary);

    internal void Record(GradientNode node) => _entries.Add(node);

    internal void Backward(GradientNode start, Tensor gradient)
    {
        if (_walking)
            throw new InvalidOperationException("Backward() was called inside a backward pass.");
        if (start.HasRun)
            throw new InvalidOperationException($"The graph of {start.Name} was consumed by an earlier Backward(); run the forward pass again.");
        gradient.Storage.Retain();
        start.Pending = gradient;
        _walking = true;
        try
        {
            using var noGrad = start.Context.NoGrad();
            WalkBackTo(0);
            _entries.RemoveAll(e => e is not GradientNode { HasRun: false });
        }
        catch
        {
            Clear();
            throw;
        }
        finally
        {
            _walking = false;
        }
    }

    /// <summary>Inside a backward pass: runs what records a part of the tape again, and goes backward through it.</summary>
    internal void Replay(Action record)
    {
        var first = _entries.Count;
        record();
        WalkBackTo(first);
        for (var i = first; i < _entries.Count; i++)
            (_entries[i] as GradientNode)?.Forget();
        _entries.RemoveRange(first, _entries.Count - first);
    }

    /// <summary>Forgets all that was recorded and frees what was saved for it.</summary>
    internal void Clear()
    {
        foreach (var entry in _entries)
            (entry as GradientNode)?.Forget();
        _entries.Clear();
    }

    private void WalkBackTo(int first)
    {
        for (var i = _entries.Count - 1; i >= first; i--)
            Walk(_entries[i]);
    }

    private static void Walk(ITapeEntry entry)
    {
        switch (entry)
        {
            case GradientNode { Pending: not null } node:
                node.Run();
                break;
            case ITapeBoundary boundary:
                boundary.OnBackward();
                break;
        }
    }
}

/// <summary>Something on a <see cref="Tape"/>.</summary>
public interface ITapeEntry;

/// <summary>A point of the forward pass that the backward pass reports when it comes by, in reverse order.</summary>
public interface ITapeBoundary : ITapeEntry
{
    /// <summary>Everything recorded after this boundary has run backward; nothing recorded before it has.</summary>
    void OnBackward();
}

namespace NetZero.Tensors;

/// <summary>What a checkpoint keeps of its first run: the results of some ops, in the order in which they ran. The second run takes them in the same order.</summary>
internal sealed class KeptResults(KeptOps ops)
{
    private readonly List<KeptOps> _makers = [];
    private SavedTensors _results;
    private int _next;

    /// <summary>Whether the results of <paramref name="op"/> are kept.</summary>
    public bool Keeps(KeptOps op) => (ops & op) != 0;

    public void Add(KeptOps op, Tensor result)
    {
        _makers.Add(op);
        _results.Add(result);
    }

    /// <summary>The next result, without history.</summary>
    /// <exception cref="InvalidOperationException">The second run does something else than the first.</exception>
    public Tensor Next(KeptOps op, Shape shape)
    {
        if (_next == _results.Count || _makers[_next] != op || _results[_next].Shape != shape)
        {
            var first = _next == _results.Count ? "nothing more" : $"{_makers[_next]} {_results[_next].Shape}";
            throw new InvalidOperationException(
                $"A checkpoint's second run computes {op} {shape} where its first computed {first}; what is checkpointed must do the same each time.");
        }

        return _results[_next++].Detach();
    }

    /// <summary>Refuses results that were changed in place since.</summary>
    public void Check() => _results.Check("a checkpoint");

    public void Release() => _results.Release("a checkpoint");
}

namespace NetZero.Collectives;

/// <summary>Calls that a rank has started and that may not be over.</summary>
internal sealed class WorksInFlight
{
    private readonly Queue<Work> _works = new();

    /// <summary>A call has started; those that are over are forgotten.</summary>
    public void Add(Work work)
    {
        while (_works.TryPeek(out var oldest) && oldest.IsCompleted)
            _works.Dequeue();
        _works.Enqueue(work);
    }

    /// <summary>Returns when nobody needs the rank's memory for any of them.</summary>
    public void Drain()
    {
        while (_works.TryDequeue(out var work))
            work.WaitInputs();
    }
}

namespace NetZero.Collectives.Mpi;

/// <summary>The calls of one group, or of one ordered pair, that are under way: data moves in the order of the calls, which all ranks share.</summary>
internal sealed class MpiLane
{
    private readonly Queue<MpiOperation> _checking = new();
    private readonly List<MpiOperation> _moving = [];

    /// <summary>Whether a rank called something else: then nothing moves here any more.</summary>
    public bool IsMismatched { get; private set; }

    public void Begin(MpiOperation operation)
    {
        operation.BeginCheck();
        _checking.Enqueue(operation);
    }

    /// <summary>Lets everything go on; true when nothing is under way.</summary>
    public bool Advance()
    {
        _moving.RemoveAll(static operation => operation.AdvanceMoving());
        while (!IsMismatched && _checking.TryPeek(out var first) && first.AdvanceCheck() && (_moving.Count == 0 || _moving[^1].HasBegunAll))
        {
            IsMismatched = first.DifferingPlace >= 0;
            if (IsMismatched)
                break;
            first.BeginMoving();
            _checking.Dequeue();
            if (!first.AdvanceMoving())
                _moving.Add(first);
        }

        return _checking.Count == 0 && _moving.Count == 0;
    }
}

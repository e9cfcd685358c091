using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>Turns a recorded step into tasks, with the same rules as <see cref="StepTasks"/>: a pass waits for its unit's gather, gradients are taken over once they are reduced.</summary>
/// <remarks>
/// On a host a collective starts with a note to the others and its bytes move when somebody waits for them, on that rank's own thread; so the wait is where its time goes.
/// </remarks>
internal sealed class RecordedTasks
{
    private readonly StepSchedule _schedule;
    private readonly KernelTime _costs;
    private readonly int _ranksPerNode;
    private readonly List<SimulatedTask> _tasks = [];
    private readonly Dictionary<int, int> _gathered = [];
    private readonly Dictionary<int, int> _reduced = [];

    // On a host: what is under way and will take its time where it is waited for.
    private readonly Dictionary<(bool Gathers, int Unit), double> _pending = [];
    private int _program = -1;

    private RecordedTasks(StepSchedule schedule, KernelTime costs, int ranksPerNode)
    {
        _schedule = schedule;
        _costs = costs;
        _ranksPerNode = ranksPerNode;
    }

    /// <summary>The tasks in program order.</summary>
    /// <param name="schedule">The step's schedule.</param>
    /// <param name="pieces">What the program did.</param>
    /// <param name="costs">What that costs.</param>
    /// <param name="ranksPerNode">Ranks of one node.</param>
    /// <param name="microBatchTokens">Tokens that a rank reads before each micro-batch.</param>
    public static IReadOnlyList<SimulatedTask> Of(
        StepSchedule schedule, IReadOnlyList<RecordedPiece> pieces, KernelTime costs, int ranksPerNode, double microBatchTokens)
    {
        var tasks = new RecordedTasks(schedule, costs, ranksPerNode);
        using var collectives = schedule.Collectives().GetEnumerator();
        var microBatch = -1;
        foreach (var piece in pieces)
        {
            if (piece.Event is { } e && e.MicroBatch > microBatch)
            {
                microBatch = e.MicroBatch;
                tasks.Add(new SimulatedTask(SimulatedTask.LoadName, "", Lane.Compute, costs.Load(microBatchTokens)));
            }

            if (piece.Event is null)
                tasks.Add(new SimulatedTask(piece.Name, piece.Unit, Lane.Compute, costs.Of(piece.Calls)));
            else if (piece.Event.Value.IsCollective)
                tasks.Start(piece, Next(collectives));
            else
                tasks.Wait(piece);
        }

        tasks.FinishGathers();
        return tasks._tasks;
    }

    private static ScheduledCollective Next(IEnumerator<ScheduledCollective> collectives) => collectives.MoveNext()
        ? collectives.Current
        : throw new ArgumentException("The step started more collectives than its schedule declares.");

    private void Start(RecordedPiece piece, ScheduledCollective collective)
    {
        var e = piece.Event!.Value;
        var gathers = e.Kind == ScheduleEventKind.AllGather;
        var slots = collective.Ranks == _schedule.Units[e.Unit].WorldSize ? _ranksPerNode : Math.Max(1, _ranksPerNode / _schedule.Units[e.Unit].WorldSize);
        var (lane, seconds) = _costs.Of(new ScheduledMessage(collective.Operation, collective.Bytes, collective.WireBytes, collective.Ranks, slots));
        if (_costs.IsHost)
        {
            _pending[(gathers, e.Unit)] = _pending.GetValueOrDefault((gathers, e.Unit)) + seconds;
            return;
        }

        var after = !gathers && _reduced.TryGetValue(e.Unit, out var before) ? before : -1;
        _tasks.Add(new SimulatedTask(piece.Name, piece.Unit, lane, seconds, _program, after));
        (gathers ? _gathered : _reduced)[e.Unit] = _tasks.Count - 1;
    }

    private void Wait(RecordedPiece piece)
    {
        var e = piece.Event!.Value;
        var gathers = e.IsBoundary;
        if (!gathers && e.Kind != ScheduleEventKind.Accumulate)
            return;
        if (_pending.Remove((gathers, e.Unit), out var seconds))
            Add(new SimulatedTask(piece.Name, piece.Unit, Lane.Compute, seconds, IsCommunication: true));
        else if ((gathers ? _gathered : _reduced).Remove(e.Unit, out var task))
            Add(new SimulatedTask(piece.Name, piece.Unit, Lane.Compute, 0, AlsoAfter: task));
    }

    // Updated parameters are waited for when the step ends.
    private void FinishGathers()
    {
        foreach (var ((_, unit), seconds) in _pending)
            Add(new SimulatedTask(nameof(ScheduleEventKind.AllGather), _schedule.Units[unit].Name, Lane.Compute, seconds, IsCommunication: true));
    }

    private void Add(SimulatedTask task)
    {
        _tasks.Add(task with { After = _program });
        _program = _tasks.Count - 1;
    }
}

using System.Diagnostics;
using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>Walks a schedule: the program reports where modules begin and end, and what the schedule puts between is done.</summary>
internal sealed class StepExecutor(
    UnitRuntime[] units, IReadOnlyList<UnitBlock> blocks, ShardingGroups groups, CancellationToken cancellation)
{
    // Events name a block by its first unit.
    private readonly Dictionary<int, UnitBlock> _blocks = blocks.ToDictionary(b => b.Units[0]);
    private readonly long[] _began = new long[units.Length * 3];
    private StepSchedule? _schedule;
    private int _position;

    public IScheduleObserver? Observer { get; set; }

    /// <summary>The micro-batch at hand, from 0.</summary>
    public int MicroBatch => _schedule is { } schedule && _position < schedule.Events.Count ? schedule.Events[_position].MicroBatch : 0;

    /// <summary>Whether the backward pass at hand was started by <see cref="TrainingStep.Backward(Tensors.Tensor)"/>, which weighs micro-batches.</summary>
    public bool IsWeighted { get; set; }

    /// <summary>Whether a step or an evaluation is open.</summary>
    public bool IsOpen => _schedule is not null;

    /// <summary>Starts a step or an evaluation.</summary>
    /// <exception cref="InvalidOperationException">One is open already.</exception>
    public void Begin(StepSchedule schedule)
    {
        if (_schedule is not null)
            throw new InvalidOperationException("A step or an evaluation of this model is open already; dispose it before the next one begins.");
        foreach (var unit in units)
            unit.Settle();
        _schedule = schedule;
        _position = 0;
    }

    /// <summary>Gives the step up or ends it: nothing of it stays, but for what peers may still be reading or filling (see <see cref="UnitRuntime.Settle"/>).</summary>
    public void End()
    {
        _schedule = null;
        foreach (var unit in units)
            unit.Reset();
    }

    /// <summary>The program has reached a boundary: checks that the schedule says so, and does what follows up to the next one.</summary>
    /// <exception cref="InvalidOperationException">The schedule declares something else here.</exception>
    public void Reach(ScheduleEventKind kind, int unit)
    {
        var schedule = _schedule ?? throw new InvalidOperationException(
            $"Unit '{units[unit].Layout.Name}' was run outside a step; open one with BeginStep() or BeginEvaluation().");
        ThrowIfCancelled();
        RunActions(schedule);
        var found = new ScheduleEvent(kind, unit, MicroBatch);
        while (Skips(schedule, found))
            RunActions(schedule);
        if (_position >= schedule.Events.Count || schedule.Events[_position] != found)
            throw new InvalidOperationException(
                $"The program reached {kind} of unit '{units[unit].Layout.Name}' where the schedule declares {Expected(schedule)}; " +
                "run every unit once per micro-batch, in the order in which they were registered: one that runs several times is registered once for each, and one that may be left out is " +
                $"registered as conditional.{OtherRanks(schedule)}");
        if (kind == ScheduleEventKind.Backward && !IsWeighted && schedule.MicroBatches > 1)
            throw new InvalidOperationException(
                $"With {schedule.MicroBatches} micro-batches a step each loss counts 1/{schedule.MicroBatches}: call step.Backward(loss) instead of loss.Backward().");
        Boundary(found);
        _position++;
        RunActions(schedule);
    }

    /// <summary>Does what is declared for the micro-batch at hand, as if the program ran it and had no gradients.</summary>
    /// <exception cref="InvalidOperationException">No step is open, or the micro-batch has begun.</exception>
    public void SkipMicroBatch()
    {
        var schedule = _schedule ?? throw new InvalidOperationException("SkipMicroBatch() outside of a step; open one with BeginStep().");
        RunActions(schedule);
        var first = _position < schedule.Events.Count ? schedule.Events[_position] : default;
        if (first is not { Kind: ScheduleEventKind.Forward, Unit: 0 })
            throw new InvalidOperationException($"SkipMicroBatch() where the schedule declares {Expected(schedule)}; a micro-batch is skipped as a whole, before its forward.");
        while (_position < schedule.Events.Count && schedule.Events[_position] is { Kind: not ScheduleEventKind.Update } e && e.MicroBatch == first.MicroBatch)
        {
            ThrowIfCancelled();
            if (e.Kind == ScheduleEventKind.Backward)
                foreach (var unit in _blocks[e.Unit].Units)
                    units[unit].BeginGradients();
            else if (e.Kind == ScheduleEventKind.BackwardEnd)
                foreach (var unit in _blocks[e.Unit].Units)
                    units[unit].EndGradients();
            if (e.IsBoundary)
                _position++;
            else
                RunActions(schedule);
        }
    }

    // What the program may leave out. A conditional block: its collectives take place all the same, and its gradients are zero. And the second run of a block whose output nobody used.
    private bool Skips(StepSchedule schedule, ScheduleEvent reached)
    {
        if (_position >= schedule.Events.Count || schedule.Events[_position] is not { IsBoundary: true } expected || expected == reached)
            return false;
        switch (expected.Kind)
        {
            case ScheduleEventKind.Forward when _blocks[expected.Unit].IsConditional:
                SkipPast(schedule, ScheduleEventKind.ForwardEnd);
                return true;
            case ScheduleEventKind.Backward when _blocks[expected.Unit].IsConditional:
                foreach (var unit in _blocks[expected.Unit].Units)
                {
                    units[unit].BeginGradients();
                    units[unit].EndGradients();
                }

                SkipPast(schedule, ScheduleEventKind.BackwardEnd);
                return true;
            case ScheduleEventKind.Recompute when reached == expected with { Kind = ScheduleEventKind.BackwardEnd }:
                SkipPast(schedule, ScheduleEventKind.RecomputeEnd);
                return true;
            default:
                return false;
        }
    }

    private void SkipPast(StepSchedule schedule, ScheduleEventKind end)
    {
        while (schedule.Events[_position].Kind != end)
        {
            Debug.Assert(schedule.Events[_position].IsBoundary, "Nothing but boundaries is declared between a block's beginning and its end.");
            _position++;
        }

        _position++;
    }

    /// <summary>Runs the update phase.</summary>
    /// <exception cref="InvalidOperationException">The gradients are not complete.</exception>
    public void RunUpdates(Action<FlatShard> update)
    {
        var schedule = _schedule ?? throw new InvalidOperationException("There are no gradients to update from: the optimizer steps inside BeginStep(), after Backward().");
        if (_position >= schedule.Events.Count || schedule.Events[_position].Kind != ScheduleEventKind.Update)
            throw new InvalidOperationException($"The optimizer stepped where the schedule declares {Expected(schedule)}; run every micro-batch forward and backward first.");
        for (; _position < schedule.Events.Count; _position++)
        {
            var e = schedule.Events[_position];
            var start = Starting(e);
            if (e.Kind == ScheduleEventKind.Update)
                units[e.Unit].Update(update);
            else
                units[e.Unit].Do(e.Kind);
            Report(e, start);
        }

        foreach (var unit in units)
            unit.FinishUpdate();
    }

    /// <summary>Whether all gradients are complete and no update has begun.</summary>
    public bool IsAtUpdate => _schedule is { } schedule && _position == schedule.UpdatePosition && _position < schedule.Events.Count;

    /// <summary>Whether all gradients are complete, updated or not.</summary>
    public bool HasGradients => _schedule is { } schedule && _position >= schedule.UpdatePosition;

    // A failed peer cancels this rank too: who it is, the group knows.
    private void ThrowIfCancelled()
    {
        if (!cancellation.IsCancellationRequested)
            return;
        groups.World.ThrowIfStopped();
        cancellation.ThrowIfCancellationRequested();
    }

    private void RunActions(StepSchedule schedule)
    {
        for (; _position < schedule.Events.Count; _position++)
        {
            var e = schedule.Events[_position];
            if (e.IsBoundary || e.Kind == ScheduleEventKind.Update)
                return;
            var start = Starting(e);
            units[e.Unit].Do(e.Kind);
            Report(e, start);
        }
    }

    private void Boundary(ScheduleEvent e)
    {
        switch (e.Kind)
        {
            case ScheduleEventKind.Forward:
                _began[e.Unit] = Starting(e);
                foreach (var unit in _blocks[e.Unit].Units)
                    units[unit].Parameters.Wait();
                Report(e, _began[e.Unit]);
                break;
            case ScheduleEventKind.Backward:
                _began[units.Length + e.Unit] = Starting(e);
                foreach (var unit in _blocks[e.Unit].Units)
                {
                    units[unit].Parameters.Wait();
                    units[unit].BeginGradients();
                }

                Report(e, _began[units.Length + e.Unit]);
                break;
            case ScheduleEventKind.Recompute:
                _began[(2 * units.Length) + e.Unit] = Starting(e);
                Report(e, _began[(2 * units.Length) + e.Unit]);
                break;
            case ScheduleEventKind.RecomputeEnd:
                Report(e, _began[(2 * units.Length) + e.Unit]);
                break;
            case ScheduleEventKind.ForwardEnd:
                Report(e, _began[e.Unit]);
                break;
            default:
                foreach (var unit in _blocks[e.Unit].Units)
                    units[unit].EndGradients();
                Report(e, _began[units.Length + e.Unit]);
                break;
        }
    }

    private long Starting(ScheduleEvent e)
    {
        Observer?.OnStarting(e, units[e.Unit].Layout.Name);
        return Stopwatch.GetTimestamp();
    }

    private void Report(ScheduleEvent e, long start) =>
        Observer?.OnEvent(new ScheduleRecord(e, units[e.Unit].Layout.Name, units[e.Unit].BytesOf(e.Kind), start, Stopwatch.GetTimestamp()));

    // What this rank called, what the schedule has it call, and what another rank says that it called: its program may be where
    // the schedule is, or not.
    private string OtherRanks(StepSchedule schedule)
    {
        var world = groups.World;
        if (world.Size == 1)
            return "";
        var last = world.Recorder.Calls
            .Select(call => $"{call.Operation} #{call.Sequence} of '{call.Unit}' in group '{call.Group}'").LastOrDefault("no call");
        var next = schedule.Collectives().Skip(schedule.Events.Take(_position).Count(e => e.IsCollective)).FirstOrDefault() is { } declared
            ? $"{declared.Operation} of '{declared.Label}' in group '{groups.NameOf(declared.Axis)}'"
            : "none in this step";
        var other = world.ReadOthers()
            .Select(rank => $" {char.ToUpperInvariant(rank.Name[0])}{rank.Name[1..]}: {rank.LastCall}.").FirstOrDefault("");
        return $" Rank {world.Rank} made {last} last, and the schedule's next call is {next}.{other}";
    }

    private string Expected(StepSchedule schedule) =>
        _position < schedule.Events.Count
            ? $"{schedule.Events[_position].Kind} of unit '{units[schedule.Events[_position].Unit].Layout.Name}'"
            : "the end of the step";
}

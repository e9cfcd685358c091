using System.Diagnostics;
using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>Walks a schedule: the program reports where modules begin and end, and what the schedule puts between is done.</summary>
internal sealed class StepExecutor(UnitRuntime[] units, CancellationToken cancellation)
{
    private readonly long[] _began = new long[units.Length * 2];
    private StepSchedule? _schedule;
    private int _position;

    public IScheduleObserver? Observer { get; set; }

    /// <summary>The micro-batch at hand, from 0.</summary>
    public int MicroBatch => _schedule is { } schedule && _position < schedule.Events.Count ? schedule.Events[_position].MicroBatch : 0;

    /// <summary>Whether the backward pass at hand was started by <see cref="TrainingStep.Backward"/>, which weighs micro-batches.</summary>
    public bool IsWeighted { get; set; }

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
        cancellation.ThrowIfCancellationRequested();
        RunActions(schedule);
        var found = new ScheduleEvent(kind, unit, MicroBatch);
        if (_position >= schedule.Events.Count || schedule.Events[_position] != found)
            throw new InvalidOperationException(
                $"The program reached {kind} of unit '{units[unit].Layout.Name}' where the schedule declares {Expected(schedule)}; " +
                "run every unit once per micro-batch, in the order in which they were registered.");
        if (kind == ScheduleEventKind.Backward && !IsWeighted && schedule.MicroBatches > 1)
            throw new InvalidOperationException(
                $"With {schedule.MicroBatches} micro-batches a step each loss counts 1/{schedule.MicroBatches}: call step.Backward(loss) instead of loss.Backward().");
        Boundary(found);
        _position++;
        RunActions(schedule);
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
            var start = Stopwatch.GetTimestamp();
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
    public bool IsAtUpdate => _schedule is { } schedule && _position < schedule.Events.Count && schedule.Events[_position] is { Kind: ScheduleEventKind.Update, Unit: 0 };

    private void RunActions(StepSchedule schedule)
    {
        for (; _position < schedule.Events.Count; _position++)
        {
            var e = schedule.Events[_position];
            if (e.IsBoundary || e.Kind == ScheduleEventKind.Update)
                return;
            var start = Stopwatch.GetTimestamp();
            units[e.Unit].Do(e.Kind);
            Report(e, start);
        }
    }

    private void Boundary(ScheduleEvent e)
    {
        var unit = units[e.Unit];
        switch (e.Kind)
        {
            case ScheduleEventKind.Forward:
                _began[e.Unit] = Stopwatch.GetTimestamp();
                unit.Parameters.Wait();
                break;
            case ScheduleEventKind.Backward:
                _began[units.Length + e.Unit] = Stopwatch.GetTimestamp();
                unit.Parameters.Wait();
                unit.Gradients.Begin();
                break;
            case ScheduleEventKind.ForwardEnd:
                Report(e with { Kind = ScheduleEventKind.Forward }, _began[e.Unit]);
                break;
            default:
                unit.Gradients.End();
                Report(e with { Kind = ScheduleEventKind.Backward }, _began[units.Length + e.Unit]);
                break;
        }
    }

    private void Report(ScheduleEvent e, long start) =>
        Observer?.OnEvent(new ScheduleRecord(e, units[e.Unit].Layout.Name, units[e.Unit].Layout.PaddedBytes, start, Stopwatch.GetTimestamp()));

    private string Expected(StepSchedule schedule) =>
        _position < schedule.Events.Count
            ? $"{schedule.Events[_position].Kind} of unit '{units[schedule.Events[_position].Unit].Layout.Name}'"
            : "the end of the step";
}

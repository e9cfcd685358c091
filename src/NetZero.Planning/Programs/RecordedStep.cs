using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>Writes down what a program does in a training step: kernel calls and events of the schedule in their order. On Meta, so that nothing is computed.</summary>
internal sealed class RecordedStep : IKernelObserver, IScheduleObserver
{
    private readonly List<RecordedPiece> _pieces = [];
    private readonly Stack<(string Name, string Unit)> _spans = [];
    private List<KernelLaunch> _calls = [];
    private bool _inLoss;

    /// <summary>The pieces so far.</summary>
    public IReadOnlyList<RecordedPiece> Pieces => _pieces;

    /// <summary>Forgets what was written down: a step begins.</summary>
    public void Begin()
    {
        _pieces.Clear();
        _spans.Clear();
        _calls = [];
    }

    public void OnLaunch(in KernelLaunch launch) => _calls.Add(launch);

    public void OnStarting(in ScheduleEvent scheduled, string unit)
    {
        Close();
        if (!scheduled.IsBoundary)
            _spans.Push((TraceNames.Of(scheduled.Kind), unit));
    }

    public void OnEvent(in ScheduleRecord record)
    {
        Close();
        if (!record.Event.IsBoundary)
            _spans.Pop();
        _pieces.Add(new RecordedPiece(record.Event, TraceNames.Of(record.Event.Kind), record.Unit, []));
        switch (record.Event.Kind)
        {
            case ScheduleEventKind.Forward:
                _spans.Push((TraceNames.Of(ScheduleEventKind.ForwardEnd), record.Unit));
                break;
            case ScheduleEventKind.Backward:
                _spans.Push((TraceNames.Of(ScheduleEventKind.BackwardEnd), record.Unit));
                break;
            case ScheduleEventKind.Recompute:
                _spans.Push((TraceNames.Of(ScheduleEventKind.RecomputeEnd), record.Unit));
                break;
            case ScheduleEventKind.ForwardEnd or ScheduleEventKind.BackwardEnd or ScheduleEventKind.RecomputeEnd:
                _spans.Pop();
                _inLoss = record.Event.Kind == ScheduleEventKind.ForwardEnd;
                break;
        }
    }

    private void Close()
    {
        if (_calls.Count == 0)
            return;
        var (name, unit) = _spans.TryPeek(out var span) ? span : (_inLoss ? RecordedPiece.Loss : RecordedPiece.Norm, "");
        _pieces.Add(new RecordedPiece(null, name, unit, _calls));
        _calls = [];
    }
}

/// <summary>An event of a step, or the kernel calls between two.</summary>
/// <param name="Event">The event; null for calls.</param>
/// <param name="Name">The event's name in traces, or that of the span that the calls fill.</param>
/// <param name="Unit">The unit.</param>
/// <param name="Calls">The calls; none for events.</param>
internal sealed record RecordedPiece(ScheduleEvent? Event, string Name, string Unit, IReadOnlyList<KernelLaunch> Calls)
{
    /// <summary>What follows the forward pass of the root and no pass encloses: the weight of a micro-batch's loss.</summary>
    public const string Loss = "Loss";

    /// <summary>What follows the last backward pass: the gradient's norm.</summary>
    public const string Norm = "Norm";
}

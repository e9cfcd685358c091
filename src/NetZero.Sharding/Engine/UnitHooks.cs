using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Reports the calls of a unit's module to the executor, and leaves boundaries on the tape for the way back.</summary>
/// <remarks>See [Note: boundaries on the tape] in <see cref="Tape"/>.</remarks>
internal sealed class UnitHooks : IModuleHooks
{
    private readonly StepExecutor _executor;
    private readonly TensorContext _context;
    private readonly int _unit;
    private readonly Boundary _begin;
    private readonly Boundary _end;

    public UnitHooks(StepExecutor executor, TensorContext context, int unit)
    {
        _executor = executor;
        _context = context;
        _unit = unit;
        _begin = new Boundary(executor, ScheduleEventKind.BackwardEnd, unit);
        _end = new Boundary(executor, ScheduleEventKind.Backward, unit);
    }

    public void BeforeForward()
    {
        _executor.Reach(ScheduleEventKind.Forward, _unit);
        if (_context.GradEnabled)
            _context.Tape.Record(_begin);
    }

    public void AfterForward()
    {
        if (_context.GradEnabled)
            _context.Tape.Record(_end);
        _executor.Reach(ScheduleEventKind.ForwardEnd, _unit);
    }

    public void BeforeRecompute() => _executor.Reach(ScheduleEventKind.Recompute, _unit);

    public void AfterRecompute() => _executor.Reach(ScheduleEventKind.RecomputeEnd, _unit);

    private sealed class Boundary(StepExecutor executor, ScheduleEventKind kind, int unit) : ITapeBoundary
    {
        public void OnBackward() => executor.Reach(kind, unit);
    }
}

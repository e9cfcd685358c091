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
    private readonly DType? _output;
    private readonly Boundary _begin;
    private readonly Boundary _end;

    public UnitHooks(StepExecutor executor, TensorContext context, int unit, MixedPrecisionPolicy precision)
    {
        _executor = executor;
        _context = context;
        _unit = unit;
        _output = unit == 0 ? precision.OutputDType : null;
        _begin = new Boundary(executor, ScheduleEventKind.BackwardEnd, unit);
        _end = new Boundary(executor, ScheduleEventKind.Backward, unit);
    }

    public void BeforeForward()
    {
        _executor.Reach(ScheduleEventKind.Forward, _unit);
        if (_context.GradEnabled)
            _context.Tape.Record(_begin);
    }

    public Tensor AfterForward(Tensor result)
    {
        // The root is the model; a scalar is a loss.
        if (_output is { } dtype && result.Dims > 0 && result.DType.IsFloatingPoint())
            result = result.Cast(dtype);
        if (_context.GradEnabled)
            _context.Tape.Record(_end);
        _executor.Reach(ScheduleEventKind.ForwardEnd, _unit);
        return result;
    }

    public void BeforeRecompute() => _executor.Reach(ScheduleEventKind.Recompute, _unit);

    public void AfterRecompute() => _executor.Reach(ScheduleEventKind.RecomputeEnd, _unit);

    private sealed class Boundary(StepExecutor executor, ScheduleEventKind kind, int unit) : ITapeBoundary
    {
        public void OnBackward() => executor.Reach(kind, unit);
    }
}

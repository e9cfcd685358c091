using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>An optimizer step that was enqueued; on a device with streams it may still be running.</summary>
public sealed class StepUnderWay
{
    private readonly TrainingLoop _loop;
    private readonly DeviceNumbersRead _read;
    private readonly int _count;
    private readonly long _start;
    private StepResult _result;
    private bool _finished;

    internal StepUnderWay(TrainingLoop loop, StepResult result, long start, int count, DeviceNumbersRead read) =>
        (_loop, _result, _start, _count, _read) = (loop, result, start, count, read);

    /// <summary>Whether <see cref="Finish"/> returns without waiting.</summary>
    public bool IsCompleted => _finished || _read.IsCompleted;

    /// <summary>Waits for the step's loss, norm and sums over ranks, which were read together.</summary>
    public StepResult Finish()
    {
        if (_finished)
            return _result;
        Span<double> found = new double[_count];
        _read.Wait(found);
        _finished = true;
        return _result = _loop.Found(_result, _start, found);
    }
}

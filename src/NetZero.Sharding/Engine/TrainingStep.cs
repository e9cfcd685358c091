using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>A training step under way. Disposing it frees what the step made and did not keep.</summary>
public sealed class TrainingStep : IDisposable
{
    private readonly ShardedModule _module;
    private readonly StepExecutor _executor;
    private readonly OpenScope _scope;
    private readonly long _step;
    private bool _disposed;

    internal TrainingStep(ShardedModule module, StepExecutor executor, long step, long? firstSample)
    {
        _module = module;
        _executor = executor;
        _step = step;
        _scope = module.Tensors.BeginStepScope("training step");
        KeyRandomNumbers(firstSample);
    }

    /// <summary>Opens the scope of one micro-batch: its activations are freed at its end. Not needed without accumulation.</summary>
    /// <param name="firstSample">The index in the global batch of the micro-batch's first row; see <see cref="ShardedModule.BeginStep"/>.</param>
    public OpenScope BeginMicroBatch(long? firstSample = null)
    {
        KeyRandomNumbers(firstSample);
        return _module.Tensors.BeginStepScope("micro-batch");
    }

    /// <summary>The backward pass of one micro-batch, whose loss counts 1 / <see cref="ShardedModule.GradientAccumulationSteps"/>.</summary>
    public void Backward(Tensor loss) => BackwardFrom(loss, 1f / _module.GradientAccumulationSteps);

    /// <summary>The backward pass of one micro-batch, whose loss counts as much as <see cref="StepAgreement.Weight"/> says.</summary>
    /// <param name="loss">The mean over the micro-batch's targets.</param>
    /// <param name="weight">What it counts; the mean over the ranks is taken on top.</param>
    public void Backward(Tensor loss, double weight) => BackwardFrom(loss, weight);

    /// <summary>Does what the schedule declares for one micro-batch without computing anything, as a rank does that has no samples left: its collectives take place, its gradients are zero.</summary>
    public void SkipMicroBatch() => _executor.SkipMicroBatch();

    /// <summary>Ends the step.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _executor.End();
        _scope.Dispose();
    }

    private void BackwardFrom(Tensor loss, double weight)
    {
        ArgumentNullException.ThrowIfNull(loss);
        _executor.IsWeighted = true;
        try
        {
            loss.Backward(_module.Tensors.Full(loss.Shape, (float)(weight * _module.LossScale)));
        }
        finally
        {
            _executor.IsWeighted = false;
        }
    }

    // Without a known place in the global batch, ranks and micro-batches are kept apart by the upper bits.
    private void KeyRandomNumbers(long? firstSample) =>
        _module.Tensors.Random.BeginForward(_step, firstSample ?? (((long)_module.Group.Rank << 40) | ((long)_executor.MicroBatch << 32)));
}

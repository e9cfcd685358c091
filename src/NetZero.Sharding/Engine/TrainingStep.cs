using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>A training step under way. Disposing it frees what the step made and did not keep.</summary>
public sealed class TrainingStep : IDisposable
{
    private readonly ShardedModule _module;
    private readonly StepExecutor _executor;
    private readonly OpenScope _scope;
    private bool _disposed;

    internal TrainingStep(ShardedModule module, StepExecutor executor)
    {
        _module = module;
        _executor = executor;
        _scope = module.Tensors.BeginStepScope("training step");
    }

    /// <summary>Opens the scope of one micro-batch: its activations are freed at its end. Not needed without accumulation.</summary>
    public OpenScope BeginMicroBatch() => _module.Tensors.BeginStepScope("micro-batch");

    /// <summary>The backward pass of one micro-batch, whose loss counts 1 / <see cref="ShardedModule.GradientAccumulationSteps"/>.</summary>
    public void Backward(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        loss.Backward(_module.Tensors.Full(loss.Shape, 1f / _module.GradientAccumulationSteps));
    }

    /// <summary>Ends the step.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _executor.End();
        _scope.Dispose();
    }
}

/// <summary>A forward pass without gradients under way.</summary>
public sealed class EvaluationPass : IDisposable
{
    private readonly TensorContext _tensors;
    private readonly StepExecutor _executor;
    private readonly OpenScope _scope;
    private readonly TensorContext.GradModeScope _noGrad;
    private readonly bool _training;
    private bool _disposed;

    internal EvaluationPass(TensorContext tensors, StepExecutor executor)
    {
        _tensors = tensors;
        _executor = executor;
        _training = tensors.Training;
        tensors.Training = false;
        _noGrad = tensors.NoGrad();
        _scope = tensors.BeginScope("evaluation");
    }

    /// <summary>Ends the pass.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _executor.End();
        _scope.Dispose();
        _noGrad.Dispose();
        _tensors.Training = _training;
    }
}

using NetZero.Tensors;

namespace NetZero.Sharding;

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

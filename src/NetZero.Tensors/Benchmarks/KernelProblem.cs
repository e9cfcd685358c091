namespace NetZero.Tensors;

/// <summary>A <see cref="KernelCase"/> with its memory, ready to run.</summary>
internal sealed class KernelProblem : IDisposable
{
    private readonly TensorContext _tensors;
    private readonly Func<Tensor, Tensor> _op;
    private readonly Tensor _x;
    private readonly Tensor _gradient;

    public KernelProblem(KernelCase kernel, int threads)
    {
        _tensors = new TensorContext(new TensorContextOptions { Threads = threads });
        _op = kernel.Prepare(_tensors);
        _x = _tensors.Full(kernel.Input, 0.5f).Keep();
        using var scope = _tensors.BeginScope("shape");
        _gradient = _tensors.Full(_op(_x.Detach()).Shape, 1).Keep();
    }

    public void Forward()
    {
        using var step = _tensors.BeginStepScope("benchmark");
        using var noGrad = _tensors.NoGrad();
        _op(_x);
    }

    public void ForwardAndBackward()
    {
        using var step = _tensors.BeginStepScope("benchmark");
        _op(_x.Detach().Attach(new Source(_x))).Backward(_gradient);
    }

    public void Dispose() => _tensors.Dispose();

    /// <summary>Makes the input something that was computed, as inputs of a layer are: its gradient is new memory in each step, not added to a leaf's.</summary>
    private sealed class Source(Tensor x) : GradientNode(x)
    {
        public override string Name => "benchmark";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
        }
    }
}

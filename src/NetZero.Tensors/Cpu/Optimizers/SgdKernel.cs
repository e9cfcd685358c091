using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>The numbers of one SGD update that are the same for every element.</summary>
/// <param name="LearningRate">The step size.</param>
/// <param name="Momentum">Decay of the momentum buffer.</param>
/// <param name="WeightDecay">L2 term added to the gradient; 0 for none.</param>
/// <param name="FirstStep">Whether the momentum buffer holds nothing yet: then it becomes the gradient.</param>
public readonly record struct SgdSettings(double LearningRate, double Momentum, double WeightDecay, bool FirstStep);

/// <summary>
/// One SGD update of a stretch of flat memory, with PyTorch's momentum: g = gradient * scale + wd p; b = g on the first step, else
/// momentum b + g; p -= lr b.
/// </summary>
/// <param name="stretch">What is updated.</param>
/// <param name="momentum">The momentum buffer, updated; <see cref="FlatState.None"/> for plain p -= lr g, whatever the settings' momentum.</param>
/// <param name="settings">The numbers of this update.</param>
public readonly unsafe struct SgdKernel(FlatStretch stretch, FlatState momentum, SgdSettings settings) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        momentum.Describe(ref arguments);
        arguments.Add(settings.LearningRate);
        arguments.Add(settings.Momentum);
        arguments.Add(settings.WeightDecay);
        arguments.Add(settings.FirstStep);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(momentum, FlatState.None);

    /// <inheritdoc/>
    public void Run(WorkerPool workers)
    {
        if (momentum.Data == null)
            new FlatUpdate<SgdRule>(stretch, FlatState.None, FlatState.None, new SgdRule(settings)).Run(workers);
        else
            new FlatUpdate<SgdMomentumRule>(stretch, momentum, FlatState.None, new SgdMomentumRule(settings)).Run(workers);
    }
}

/// <summary>SGD without momentum on a vector of elements.</summary>
internal readonly struct SgdRule(SgdSettings s) : IUpdateRule
{
    private readonly float _decay = (float)s.WeightDecay;
    private readonly float _minusRate = (float)-s.LearningRate;

    public static int States => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T first, ref T second)
        where T : struct, ILanes<T> =>
        p = T.MultiplyAdd(T.Splat(_minusRate), T.MultiplyAdd(T.Splat(_decay), p, g), p);
}

/// <summary>SGD with momentum on a vector of elements.</summary>
internal readonly struct SgdMomentumRule(SgdSettings s) : IUpdateRule
{
    private readonly float _decay = (float)s.WeightDecay;
    private readonly float _minusRate = (float)-s.LearningRate;
    private readonly float _momentum = (float)s.Momentum;
    private readonly bool _first = s.FirstStep;

    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T buffer, ref T second)
        where T : struct, ILanes<T>
    {
        var sum = T.MultiplyAdd(T.Splat(_decay), p, g);
        buffer = _first ? sum : T.MultiplyAdd(T.Splat(_momentum), buffer, sum);
        p = T.MultiplyAdd(T.Splat(_minusRate), buffer, p);
    }
}

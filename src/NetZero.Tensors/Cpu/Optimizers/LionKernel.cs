using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>The numbers of one Lion update that are the same for every element.</summary>
/// <param name="LearningRate">The step size: every element moves by it.</param>
/// <param name="Beta1">How much of the momentum goes into the direction.</param>
/// <param name="Beta2">Decay of the momentum.</param>
/// <param name="WeightDecay">Decoupled decay, 0 for none.</param>
public readonly record struct LionSettings(double LearningRate, double Beta1, double Beta2, double WeightDecay);

/// <summary>One Lion update of a stretch of flat memory: c = b1 m + (1 - b1) g; p = p (1 - lr wd) - lr sign(c); m = b2 m + (1 - b2) g.</summary>
/// <remarks>Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023), algorithm 2. sign(0) is 0.</remarks>
/// <param name="stretch">What is updated.</param>
/// <param name="momentum">The running mean of the gradients, updated; zero before the first step.</param>
/// <param name="settings">The numbers of this update.</param>
public readonly struct LionKernel(FlatStretch stretch, FlatState momentum, LionSettings settings) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        momentum.Describe(ref arguments);
        arguments.AddRule(settings);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(momentum, FlatState.None);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<LionRule>(stretch, momentum, FlatState.None, new LionRule(settings)).Run(workers);
}

/// <summary>Lion on a vector of elements.</summary>
internal readonly struct LionRule(LionSettings s) : IUpdateRule
{
    private readonly float _decay = (float)(1 - (s.LearningRate * s.WeightDecay));
    private readonly float _minusRate = (float)-s.LearningRate;
    private readonly float _beta1 = (float)s.Beta1;
    private readonly float _beta2 = (float)s.Beta2;
    private readonly float _rest1 = (float)(1 - s.Beta1);
    private readonly float _rest2 = (float)(1 - s.Beta2);

    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T m, ref T second)
        where T : struct, ILanes<T>
    {
        var direction = T.MultiplyAdd(T.Splat(_beta1), m, T.Splat(_rest1) * g);

        // A direction that is neither above nor below zero stands for itself: zero, or NaN that must not be hidden.
        var zero = T.Splat(0);
        var sign = T.Select(direction > zero, T.Splat(1), T.Select(direction < zero, T.Splat(-1), direction));
        p = T.MultiplyAdd(T.Splat(_minusRate), sign, p * T.Splat(_decay));
        m = T.MultiplyAdd(T.Splat(_beta2), m, T.Splat(_rest2) * g);
    }
}

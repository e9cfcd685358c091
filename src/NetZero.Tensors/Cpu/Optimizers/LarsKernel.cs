using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>One LARS update of a parameter's stretch, with g = gradient * scale: b = momentum b + rate (g + wd p); p -= b.</summary>
/// <remarks>You, Gitman, Ginsburg, "Large Batch Training of Convolutional Networks" (2017), algorithm 1. The rate is the learning rate times the parameter's trust ratio.</remarks>
/// <param name="stretch">What is updated.</param>
/// <param name="momentum">The momentum buffer, updated; zero before the first step.</param>
/// <param name="decay">Momentum's decay.</param>
/// <param name="weightDecay">L2 term added to the gradient; 0 for none.</param>
/// <param name="rate">The learning rate times the trust ratio.</param>
public readonly struct LarsKernel(FlatStretch stretch, FlatState momentum, double decay, double weightDecay, TrustRate rate) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        momentum.Describe(ref arguments);
        arguments.Add(decay);
        arguments.Add(weightDecay);
        rate.Describe(ref arguments);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(momentum, FlatState.None);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<LarsRule>(stretch, momentum, FlatState.None, new LarsRule(decay, weightDecay, rate.Value)).Run(workers);
}

/// <summary>LARS on a vector of elements.</summary>
internal readonly struct LarsRule(double decay, double weightDecay, double rate) : IUpdateRule
{
    private readonly float _momentum = (float)decay;
    private readonly float _decay = (float)weightDecay;
    private readonly float _rate = (float)rate;

    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T buffer, ref T second)
        where T : struct, ILanes<T>
    {
        buffer = T.MultiplyAdd(T.Splat(_momentum), buffer, T.Splat(_rate) * T.MultiplyAdd(T.Splat(_decay), p, g));
        p -= buffer;
    }
}

/// <summary>The gradient itself as a direction.</summary>
internal readonly struct GradientDirection : IDirection
{
    public static int States => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Of<T>(T p, T g, T m, T v)
        where T : struct, ILanes<T> =>
        g;
}

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
public readonly struct LarsKernel(FlatStretch stretch, FlatState momentum, double decay, double weightDecay, LarsRate rate) : IKernel
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

/// <summary>LARS's rate for one parameter: the learning rate times trust |p| / (|g| + wd |p|).</summary>
/// <param name="learningRate">The learning rate.</param>
/// <param name="trustCoefficient">How far a parameter moves in a step, as a share of its norm, at a learning rate of 1.</param>
/// <param name="weightDecay">The L2 term's factor.</param>
/// <param name="squares">Σp² and Σg² of the whole parameter, read when the kernel runs; null is a ratio of 1.</param>
public readonly unsafe struct LarsRate(double learningRate, double trustCoefficient, double weightDecay, DeviceNumbers? squares)
{
    private readonly double* _squares = squares is null ? null : squares.Pointer;

    internal void Describe(ref KernelArguments arguments)
    {
        arguments.Add(learningRate);
        arguments.Add(trustCoefficient);
        arguments.Add(weightDecay);
        arguments.Add(_squares);
    }

    internal double Value => learningRate * (_squares == null ? 1 : Ratio(Math.Sqrt(_squares[0]), Math.Sqrt(_squares[1])));

    // NaN passes, so that a broken step shows.
    private double Ratio(double values, double direction) =>
        values == 0 || direction == 0 ? 1 : trustCoefficient * values / (direction + (weightDecay * values));
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

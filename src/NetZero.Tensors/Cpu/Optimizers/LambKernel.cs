using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>The numbers of one LAMB update that are the same for every element of a parameter.</summary>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Part of the direction; 0 for none.</param>
/// <param name="Step">Which update this is, from 1: the bias corrections are 1 - beta^step.</param>
public readonly record struct LambSettings(double Beta1, double Beta2, double Epsilon, double WeightDecay, long Step);

/// <summary>The first half of a LAMB update: the moments, with g = gradient * scale: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g g.</summary>
/// <remarks>You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes" (ICLR 2020), algorithm 2.</remarks>
/// <param name="stretch">Gradients; values are left alone.</param>
/// <param name="moment1">The running mean of the gradients, updated.</param>
/// <param name="moment2">The running mean of their squares, updated.</param>
/// <param name="settings">The numbers of this update.</param>
public readonly struct LambMomentsKernel(FlatStretch stretch, FlatState moment1, FlatState moment2, LambSettings settings) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        moment1.Describe(ref arguments);
        moment2.Describe(ref arguments);
        arguments.AddRule(settings);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(moment1, moment2);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<MomentsRule>(stretch, moment1, moment2, new MomentsRule(settings)).Run(workers);
}

/// <summary>The second half: p -= rate * u with u = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + wd p; moments are left alone.</summary>
/// <param name="stretch">Values, updated; gradients are not read.</param>
/// <param name="moment1">The first moment.</param>
/// <param name="moment2">The second moment.</param>
/// <param name="settings">The numbers of this update.</param>
/// <param name="rate">The learning rate times the parameter's trust ratio.</param>
public readonly struct LambKernel(
    FlatStretch stretch, FlatState moment1, FlatState moment2, LambSettings settings, TrustRate rate) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        moment1.Describe(ref arguments);
        moment2.Describe(ref arguments);
        arguments.AddRule(settings);
        rate.Describe(ref arguments);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(moment1, moment2);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<LambRule>(stretch, moment1, moment2, new LambRule(settings, rate.Value)).Run(workers);
}

/// <summary>The moments of Adam on a vector of elements.</summary>
internal readonly struct MomentsRule(LambSettings s) : IUpdateRule
{
    private readonly float _beta1 = (float)s.Beta1;
    private readonly float _beta2 = (float)s.Beta2;
    private readonly float _rest1 = (float)(1 - s.Beta1);
    private readonly float _rest2 = (float)(1 - s.Beta2);

    public static int States => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T m, ref T v)
        where T : struct, ILanes<T>
    {
        m = T.MultiplyAdd(T.Splat(_beta1), m, T.Splat(_rest1) * g);
        v = T.MultiplyAdd(T.Splat(_beta2), v, T.Splat(_rest2) * (g * g));
    }
}

/// <summary>LAMB's step on a vector of elements; as a direction, what it would be at a rate of -1 from zero.</summary>
internal readonly struct LambRule(LambSettings s, double rate) : IUpdateRule, IDirection
{
    private readonly float _minusRate = (float)-rate;
    private readonly float _decay = (float)s.WeightDecay;
    private readonly float _perCorrection1 = (float)(1 / (1 - Math.Pow(s.Beta1, s.Step)));
    private readonly float _perRootCorrection2 = (float)(1 / Math.Sqrt(1 - Math.Pow(s.Beta2, s.Step)));
    private readonly float _epsilon = (float)s.Epsilon;

    public static int States => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T m, ref T v)
        where T : struct, ILanes<T> =>
        p = T.MultiplyAdd(T.Splat(_minusRate), Of(p, g, m, v), p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Of<T>(T p, T g, T m, T v)
        where T : struct, ILanes<T>
    {
        var denominator = T.MultiplyAdd(T.Sqrt(v), T.Splat(_perRootCorrection2), T.Splat(_epsilon));
        return T.MultiplyAdd(T.Splat(_decay), p, (m * T.Splat(_perCorrection1)) / denominator);
    }
}

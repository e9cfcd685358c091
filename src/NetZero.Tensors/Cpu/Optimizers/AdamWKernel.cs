using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>The numbers of one AdamW update that are the same for every element.</summary>
/// <param name="LearningRate">The step size.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled decay, 0 for none; the caller splits a flat buffer into ranges with and without.</param>
/// <param name="Step">Which update this is, from 1: the bias corrections are 1 - beta^step.</param>
public readonly record struct AdamWSettings(
    double LearningRate, double Beta1, double Beta2, double Epsilon, double WeightDecay, long Step);

/// <summary>
/// One fused AdamW update of a stretch of flat memory. With g = gradient * scale:
/// p *= 1 - lr wd; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g g; p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps).
/// </summary>
/// <remarks>Loshchilov, Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019), algorithm 2, in PyTorch's order of operations.</remarks>
/// <param name="stretch">What is updated.</param>
/// <param name="moment1">The running mean of the gradients, updated; zero before the first step.</param>
/// <param name="moment2">The running mean of their squares, updated; zero before the first step.</param>
/// <param name="settings">The numbers of this update.</param>
public readonly struct AdamWKernel(FlatStretch stretch, FlatState moment1, FlatState moment2, AdamWSettings settings) : IKernel
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
    public void Run(WorkerPool workers) => new FlatUpdate<AdamWRule>(stretch, moment1, moment2, new AdamWRule(settings)).Run(workers);
}

/// <summary>AdamW on a vector of elements. Its numbers are computed in double and rounded once, as PyTorch does.</summary>
/// <remarks>The root's correction is multiplied by, where PyTorch divides: divisions are what keeps this pass from the speed of memory.</remarks>
internal readonly struct AdamWRule(AdamWSettings s) : IUpdateRule
{
    private readonly float _decay = (float)(1 - (s.LearningRate * s.WeightDecay));
    private readonly float _beta1 = (float)s.Beta1;
    private readonly float _beta2 = (float)s.Beta2;
    private readonly float _rest1 = (float)(1 - s.Beta1);
    private readonly float _rest2 = (float)(1 - s.Beta2);
    private readonly float _minusStepSize = (float)(-s.LearningRate / (1 - Math.Pow(s.Beta1, s.Step)));
    private readonly float _perRootCorrection2 = (float)(1 / Math.Sqrt(1 - Math.Pow(s.Beta2, s.Step)));
    private readonly float _epsilon = (float)s.Epsilon;

    public static int States => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T m, ref T v)
        where T : struct, ILanes<T>
    {
        m = T.MultiplyAdd(T.Splat(_beta1), m, T.Splat(_rest1) * g);
        v = T.MultiplyAdd(T.Splat(_beta2), v, T.Splat(_rest2) * (g * g));
        var denominator = T.MultiplyAdd(T.Sqrt(v), T.Splat(_perRootCorrection2), T.Splat(_epsilon));
        p = T.MultiplyAdd(T.Splat(_minusStepSize), m / denominator, p * T.Splat(_decay));
    }
}

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
/// One fused AdamW update of a range of flat memory. With g = gradient * scale:
/// p *= 1 - lr wd; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g g; p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps).
/// </summary>
/// <remarks>
/// Loshchilov, Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019), algorithm 2, in PyTorch's order of operations.
/// The gradient's scale (the clip coefficient, 1 / accumulation steps) is read through a pointer when the kernel runs, so that it can be
/// computed by an earlier kernel without the host looking at it; null means 1.
/// Elements do not depend on their position in the range: its end goes through the same vector code.
/// </remarks>
/// <param name="parameter">The parameters of the range, updated.</param>
/// <param name="gradient">Their gradients.</param>
/// <param name="moment1">The running mean of the gradients, updated; zero before the first step.</param>
/// <param name="moment2">The running mean of their squares, updated; zero before the first step.</param>
/// <param name="count">Elements in the range.</param>
/// <param name="settings">The numbers of this update.</param>
/// <param name="gradientScale">A factor on the gradients, or null.</param>
public readonly unsafe struct AdamWKernel(
    float* parameter, float* gradient, float* moment1, float* moment2, long count, AdamWSettings settings, float* gradientScale)
    : IKernel, IParallelBody
{
    /// <inheritdoc/>
    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(FlatTasks.Count(count), ref body);
    }

    void IParallelBody.Run(long index, int worker)
    {
        var (start, length) = FlatTasks.Part(index, count);
        if (Lanes16.IsSupported)
            Update<Lanes16>(start, length);
        else if (Lanes8.IsSupported)
            Update<Lanes8>(start, length);
        else if (Lanes4.IsSupported)
            Update<Lanes4>(start, length);
        else
            Update<Lanes1>(start, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Update<T>(long start, long length)
        where T : struct, ILanes<T>
    {
        var k = new Constants<T>(settings, gradientScale == null ? 1 : *gradientScale);
        float* p = parameter + start, g = gradient + start, m = moment1 + start, v = moment2 + start;
        long i = 0;
        for (; i <= length - T.Count; i += T.Count)
        {
            var pi = T.Load(p + i);
            var mi = T.Load(m + i);
            var vi = T.Load(v + i);
            k.Apply(ref pi, T.Load(g + i), ref mi, ref vi);
            T.Store(pi, p + i);
            T.Store(mi, m + i);
            T.Store(vi, v + i);
        }

        if (i < length)
        {
            var n = length - i;
            var pi = PartialLanes.Load<T>(p + i, n);
            var mi = PartialLanes.Load<T>(m + i, n);
            var vi = PartialLanes.Load<T>(v + i, n);
            k.Apply(ref pi, PartialLanes.Load<T>(g + i, n), ref mi, ref vi);
            PartialLanes.Store<T>(p + i, pi, n);
            PartialLanes.Store<T>(m + i, mi, n);
            PartialLanes.Store<T>(v + i, vi, n);
        }
    }

    // Computed in double and rounded once, as PyTorch does.
    private readonly struct Constants<T>(AdamWSettings s, float scale)
        where T : struct, ILanes<T>
    {
        private readonly T _scale = T.Splat(scale);
        private readonly T _decay = T.Splat((float)(1 - (s.LearningRate * s.WeightDecay)));
        private readonly T _beta1 = T.Splat((float)s.Beta1);
        private readonly T _beta2 = T.Splat((float)s.Beta2);
        private readonly T _rest1 = T.Splat((float)(1 - s.Beta1));
        private readonly T _rest2 = T.Splat((float)(1 - s.Beta2));
        private readonly T _minusStepSize = T.Splat((float)(-s.LearningRate / (1 - Math.Pow(s.Beta1, s.Step))));
        private readonly T _rootCorrection2 = T.Splat((float)Math.Sqrt(1 - Math.Pow(s.Beta2, s.Step)));
        private readonly T _epsilon = T.Splat((float)s.Epsilon);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Apply(ref T p, T gradient, ref T m, ref T v)
        {
            var g = gradient * _scale;
            m = T.MultiplyAdd(_beta1, m, _rest1 * g);
            v = T.MultiplyAdd(_beta2, v, _rest2 * (g * g));
            var denominator = (T.Sqrt(v) / _rootCorrection2) + _epsilon;
            p = T.MultiplyAdd(_minusStepSize, m / denominator, p * _decay);
        }
    }
}

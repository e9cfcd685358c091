using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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
        workers.For(FlatRange.Tasks(count), ref body);
    }

    void IParallelBody.Run(long index, int worker)
    {
        var (start, length) = FlatRange.Task(index, count);
        if (Lanes512.IsSupported)
            Update<Lanes512, Vector512<float>>(start, length);
        else if (Lanes256.IsSupported)
            Update<Lanes256, Vector256<float>>(start, length);
        else
            Update<Lanes128, Vector128<float>>(start, length);
    }

    private void Update<TLanes, TVector>(long start, long length)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        var k = new Constants<TLanes, TVector>(settings, gradientScale == null ? 1 : *gradientScale);
        float* p = parameter + start, g = gradient + start, m = moment1 + start, v = moment2 + start;
        long i = 0;
        for (; i <= length - TLanes.Count; i += TLanes.Count)
        {
            var pi = TLanes.Load(p + i);
            var mi = TLanes.Load(m + i);
            var vi = TLanes.Load(v + i);
            k.Apply(ref pi, TLanes.Load(g + i), ref mi, ref vi);
            TLanes.Store(p + i, pi);
            TLanes.Store(m + i, mi);
            TLanes.Store(v + i, vi);
        }

        if (i < length)
        {
            var n = length - i;
            var pi = Lanes.LoadPartial<TLanes, TVector>(p + i, n);
            var mi = Lanes.LoadPartial<TLanes, TVector>(m + i, n);
            var vi = Lanes.LoadPartial<TLanes, TVector>(v + i, n);
            k.Apply(ref pi, Lanes.LoadPartial<TLanes, TVector>(g + i, n), ref mi, ref vi);
            Lanes.StorePartial<TLanes, TVector>(p + i, pi, n);
            Lanes.StorePartial<TLanes, TVector>(m + i, mi, n);
            Lanes.StorePartial<TLanes, TVector>(v + i, vi, n);
        }
    }

    // Computed in double and rounded once, as PyTorch does.
    private readonly struct Constants<TLanes, TVector>(AdamWSettings s, float scale)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        private readonly TVector _scale = TLanes.Create(scale);
        private readonly TVector _decay = TLanes.Create((float)(1 - (s.LearningRate * s.WeightDecay)));
        private readonly TVector _beta1 = TLanes.Create((float)s.Beta1);
        private readonly TVector _beta2 = TLanes.Create((float)s.Beta2);
        private readonly TVector _rest1 = TLanes.Create((float)(1 - s.Beta1));
        private readonly TVector _rest2 = TLanes.Create((float)(1 - s.Beta2));
        private readonly TVector _minusStepSize = TLanes.Create((float)(-s.LearningRate / (1 - Math.Pow(s.Beta1, s.Step))));
        private readonly TVector _rootCorrection2 = TLanes.Create((float)Math.Sqrt(1 - Math.Pow(s.Beta2, s.Step)));
        private readonly TVector _epsilon = TLanes.Create((float)s.Epsilon);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Apply(ref TVector p, TVector gradient, ref TVector m, ref TVector v)
        {
            var g = TLanes.Multiply(gradient, _scale);
            m = TLanes.MultiplyAdd(_beta1, m, TLanes.Multiply(_rest1, g));
            v = TLanes.MultiplyAdd(_beta2, v, TLanes.Multiply(_rest2, TLanes.Multiply(g, g)));
            var denominator = TLanes.Add(TLanes.Divide(TLanes.Sqrt(v), _rootCorrection2), _epsilon);
            p = TLanes.MultiplyAdd(_minusStepSize, TLanes.Divide(m, denominator), TLanes.Multiply(p, _decay));
        }
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>The numbers of one SGD update that are the same for every element.</summary>
/// <param name="LearningRate">The step size.</param>
/// <param name="Momentum">Decay of the momentum buffer; 0 for none.</param>
/// <param name="WeightDecay">L2 term added to the gradient; 0 for none.</param>
/// <param name="FirstStep">Whether the momentum buffer holds nothing yet: then it becomes the gradient.</param>
public readonly record struct SgdSettings(double LearningRate, double Momentum, double WeightDecay, bool FirstStep);

/// <summary>
/// One SGD update of a range of flat memory, with PyTorch's momentum: g = gradient * scale + wd p; b = g on the first step, else
/// momentum b + g; p -= lr b.
/// </summary>
/// <remarks>A null momentum buffer means no momentum: p -= lr g. The gradient's scale is read through a pointer when the kernel runs;
/// null means 1. Elements do not depend on their position in the range.</remarks>
/// <param name="parameter">The parameters of the range, updated.</param>
/// <param name="gradient">Their gradients.</param>
/// <param name="momentum">The momentum buffer, updated; null for none.</param>
/// <param name="count">Elements in the range.</param>
/// <param name="settings">The numbers of this update.</param>
/// <param name="gradientScale">A factor on the gradients, or null.</param>
public readonly unsafe struct SgdKernel(
    float* parameter, float* gradient, float* momentum, long count, SgdSettings settings, float* gradientScale) : IKernel, IParallelBody
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
        float* p = parameter + start, g = gradient + start, b = momentum + start;
        for (long i = 0; i < length; i += TLanes.Count)
        {
            var n = Math.Min(TLanes.Count, length - i);
            var pi = Load<TLanes, TVector>(p + i, n);
            var gi = TLanes.MultiplyAdd(
                TLanes.Create((float)settings.WeightDecay), pi,
                TLanes.Multiply(Load<TLanes, TVector>(g + i, n), TLanes.Create(gradientScale == null ? 1 : *gradientScale)));
            if (momentum != null)
            {
                if (!settings.FirstStep)
                    gi = TLanes.MultiplyAdd(TLanes.Create((float)settings.Momentum), Load<TLanes, TVector>(b + i, n), gi);
                Store<TLanes, TVector>(b + i, gi, n);
            }

            Store<TLanes, TVector>(p + i, TLanes.MultiplyAdd(TLanes.Create((float)-settings.LearningRate), gi, pi), n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load<TLanes, TVector>(float* source, long count)
        where TLanes : ILanes<TVector>
        where TVector : struct =>
        count == TLanes.Count ? TLanes.Load(source) : Lanes.LoadPartial<TLanes, TVector>(source, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes, TVector>(float* target, TVector value, long count)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        if (count == TLanes.Count)
            TLanes.Store(target, value);
        else
            Lanes.StorePartial<TLanes, TVector>(target, value, count);
    }
}

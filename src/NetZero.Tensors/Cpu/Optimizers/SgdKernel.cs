using System.Runtime.CompilerServices;
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
        float* p = parameter + start, g = gradient + start, b = momentum + start;
        for (long i = 0; i < length; i += T.Count)
        {
            var n = Math.Min(T.Count, length - i);
            var pi = PartialLanes.LoadUpTo<T>(p + i, n);
            var gi = T.MultiplyAdd(
                T.Splat((float)settings.WeightDecay), pi,
                PartialLanes.LoadUpTo<T>(g + i, n) * T.Splat(gradientScale == null ? 1 : *gradientScale));
            if (momentum != null)
            {
                if (!settings.FirstStep)
                    gi = T.MultiplyAdd(T.Splat((float)settings.Momentum), PartialLanes.LoadUpTo<T>(b + i, n), gi);
                PartialLanes.StoreUpTo(b + i, gi, n);
            }

            PartialLanes.StoreUpTo(p + i, T.MultiplyAdd(T.Splat((float)-settings.LearningRate), gi, pi), n);
        }
    }
}

namespace NetZero.Tensors;

/// <summary>From the sum that a gradient norm is made of: the norm, the factor on the gradients that limits it, and whether the update is left out.</summary>
/// <remarks>
/// The factor is that of PyTorch's <c>clip_grad_norm_</c>, max / (norm + 1e-6) if that is below 1, over the scale of the loss. Not below 1 means "leave them"; NaN does too, so that
/// a broken step shows in the loss and is not hidden by a factor of zero.
/// </remarks>
/// <param name="norm">The sum, over all ranks, of what the norm is made of; becomes the norm. Null leaves only the factor, 1 / <paramref name="lossScale"/>, to be set.</param>
/// <param name="root">Whether the norm is the root of the sum.</param>
/// <param name="lossScale">What the losses were multiplied with.</param>
/// <param name="maxNorm">The largest norm; 0 leaves the factor as it is.</param>
/// <param name="skipsOverflow">Whether the update is left out where the norm is infinite or not a number.</param>
/// <param name="factor">[2]: the factor, and 1 or 0 for whether the update is left out; null where nobody wants them.</param>
public readonly unsafe struct GradientFactorKernel(double* norm, bool root, double lossScale, double maxNorm, bool skipsOverflow, float* factor) : IKernel
{
    // PyTorch's clip_grad_norm_ adds this to the norm that it divides by.
    private const double Epsilon = 1e-6;

    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(norm);
        arguments.Add(root);
        arguments.Add(lossScale);
        arguments.Add(maxNorm);
        arguments.Add(skipsOverflow);
        arguments.Add(factor);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(1);

    /// <inheritdoc/>
    public void Run(WorkerPool workers)
    {
        if (norm == null)
        {
            (factor[0], factor[1]) = ((float)(1 / lossScale), 0);
            return;
        }

        *norm = (root ? Math.Sqrt(*norm) : *norm) / lossScale;
        if (factor == null)
            return;
        var limiting = maxNorm / (*norm + Epsilon);
        if (maxNorm > 0)
            factor[0] = (float)((limiting < 1 ? limiting : 1) / lossScale);
        factor[1] = skipsOverflow && !double.IsFinite(*norm) ? 1 : 0;
    }
}

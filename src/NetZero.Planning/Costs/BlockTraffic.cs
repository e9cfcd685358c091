namespace NetZero.Planning;

/// <summary>Elements that the elementwise ops of a block read and write for one token, forward, each op by itself.</summary>
/// <remarks>
/// Two norms read and write C each (4 C), two residual sums read 2 C and write C (6 C), heads are split, rotated and joined once (2 (Q + 2 K) + 2 C). The MLP: GELU reads
/// and writes F (2 F); SwiGLU reads and writes F, then reads 2 F and writes F (5 F). Backward touches twice as much: each op reads its saved input beside the
/// gradient. Compilers that fuse ops, and mixed precision that casts between them, scale the whole: <see cref="ImplementationProfile.Traffic"/>.
/// </remarks>
internal static class BlockTraffic
{
    public const double BackwardPerForward = 2;

    /// <summary>Elements of one token, forward, on one rank, for the experts that the token passes through.</summary>
    public static double Elements(Workload run)
    {
        var (model, tensor) = (run.Model, (double)run.Layout.Tensor);
        return 12.0 * model.Hidden / (run.SequenceParallel ? tensor : 1)
            + (2.0 * (model.QueryWidth + 2 * model.KeyValueWidth) + (model.Gated ? 5.0 : 2.0) * model.FeedForward * model.ActiveExperts) / tensor;
    }
}

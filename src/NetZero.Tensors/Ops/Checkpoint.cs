namespace NetZero.Tensors;

/// <summary>
/// y = f(x), of which only x is saved (and what <see cref="KeptOps"/> asks for): backward computes f(x) again with the same random numbers, then goes on through it. The bits of
/// results and gradients are those of f(x) alone.
/// </summary>
/// <remarks>Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", section 4; selective by op as Korthikanti et al. 2022, section 5.</remarks>
public static class CheckpointOp
{
    /// <summary>Applies <paramref name="forward"/> without saving what it computes.</summary>
    /// <param name="x">Its input. Other tensors that it uses must live until backward, as parameters do.</param>
    /// <param name="forward">Called once now and once in the backward pass; does the same each time.</param>
    /// <param name="keep">Ops whose results stay until backward and are not computed again.</param>
    /// <param name="again">Called in the backward pass instead of <paramref name="forward"/>, to tell the two apart.</param>
    /// <exception cref="InvalidOperationException">In the backward pass: the second call did something else than the first, or what was kept has changed.</exception>
    public static Tensor Checkpoint(this Tensor x, Func<Tensor, Tensor> forward, KeptOps keep = KeptOps.None, Func<Tensor, Tensor>? again = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(forward);
        var context = x.Context;
        if (!context.GradEnabled)
            return forward(x);
        var kept = keep == KeptOps.None ? null : new KeptResults(keep);
        var random = context.Random.Here;
        Tensor y;
        try
        {
            using (context.NoGrad())
            using (context.Record(kept))
                y = forward(x).Detach();
        }
        catch
        {
            kept?.Release();
            throw;
        }

        return y.Attach(new CheckpointNode(x, again ?? forward, kept, random));
    }
}

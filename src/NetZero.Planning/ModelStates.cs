namespace NetZero.Planning;

/// <summary>Resting bytes of model state on one rank, from the end of backward to the update, when gradients are alive.</summary>
/// <remarks>
/// With Psi parameters of p + g + o bytes over N ranks (S. Rajbhandari, J. Rasley, O. Ruwase, Y. He, "ZeRO: Memory Optimizations Toward
/// Training Trillion Parameter Models", 2020, sections 3.1 and 5):
/// stage 0 (p + g + o) Psi; stage 1 (p + g) Psi + o Psi / N; stage 2 p Psi + (g + o) Psi / N; stage 3 (p + g + o) Psi / N.
/// </remarks>
/// <param name="Parameter">Bytes of parameters.</param>
/// <param name="Gradient">Bytes of gradients.</param>
/// <param name="Optimizer">Bytes of optimizer state.</param>
public readonly record struct ModelStates(long Parameter, long Gradient, long Optimizer)
{
    /// <summary>The sum of all kinds.</summary>
    public long Total => Parameter + Gradient + Optimizer;

    /// <summary>The states of one of <paramref name="ranks"/> ranks; a share that is not whole is rounded up to whole parameters.</summary>
    /// <param name="parameters">Psi.</param>
    /// <param name="ranks">N.</param>
    /// <param name="stage">The ZeRO stage, 0 to 3: from 1 the optimizer's states are sharded, from 2 the gradients, at 3 the parameters.</param>
    /// <param name="widths">Bytes per parameter.</param>
    /// <exception cref="ArgumentOutOfRangeException">No parameters or ranks, or a stage that does not exist.</exception>
    public static ModelStates PerRank(long parameters, int ranks, int stage, StateWidths widths)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ranks);
        Stages.Check(stage);
        var share = (parameters - 1) / ranks + 1;
        return checked(new ModelStates(
            (stage >= 3 ? share : parameters) * widths.ParameterBytes,
            (stage >= 2 ? share : parameters) * widths.GradientBytes,
            (long)Math.Ceiling((stage >= 1 ? share : parameters) * widths.OptimizerBytes)));
    }
}

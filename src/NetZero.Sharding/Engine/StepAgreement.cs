namespace NetZero.Sharding;

/// <summary>What the ranks have agreed on for one step: whether it takes place, and how much each target counts.</summary>
/// <remarks>The loss and the gradient of the step are the means over all targets of all ranks and micro-batches that are there, however they are dealt out.</remarks>
/// <param name="Takes">Whether the step takes place, the same on every rank.</param>
/// <param name="Targets">Targets of all ranks.</param>
/// <param name="Ranks">How many ranks the reduction averages over.</param>
public readonly record struct StepAgreement(bool Takes, long Targets, int Ranks)
{
    /// <summary>What the mean loss over <paramref name="targets"/> targets of this rank counts in the step, for <see cref="TrainingStep.Backward(Tensors.Tensor, double)"/>.</summary>
    public double Weight(long targets) => (double)targets * Ranks / Targets;
}

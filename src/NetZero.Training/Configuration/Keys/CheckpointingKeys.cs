using NetZero.Tensors;

namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>activation_checkpointing</c>.</summary>
internal static class CheckpointingKeys
{
    /// <summary>The section itself.</summary>
    public static readonly Section<CheckpointingConfiguration> Section = new(
        new ValueKey<CheckpointingConfiguration, CheckpointingMode>(
            "mode", new Choice<CheckpointingMode>(("none", CheckpointingMode.None), ("full", CheckpointingMode.Full), ("selective", CheckpointingMode.Selective)),
            c => c.Mode, (c, v) => c with { Mode = v },
            "What checkpointed blocks keep for backward: everything, their input alone, or their input and the results of some ops. The rest is computed again."),
        new ValueKey<CheckpointingConfiguration, int>(
            "every", new WholeNumber<int>(1), c => c.Every, (c, v) => c with { Every = v }, "Every how many blocks one is checkpointed.")
        { Only = (c => c.Mode != CheckpointingMode.None, "activation_checkpointing.mode full or selective") },
        new ValueKey<CheckpointingConfiguration, KeptOps>(
            "keep", new SetOf<KeptOps>((a, b) => a | b, ("attention", KeptOps.Attention), ("matmul", KeptOps.MatMul)), c => c.Keep, (c, v) => c with { Keep = v },
            "The ops whose results are kept and not computed again.")
        { Only = (c => c.Mode == CheckpointingMode.Selective, "activation_checkpointing.mode selective") });
}

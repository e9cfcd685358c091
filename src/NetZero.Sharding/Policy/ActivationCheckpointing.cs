using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Which blocks save only their input for backward and compute the rest again (<see cref="Layer.Checkpoint"/>).</summary>
/// <remarks>A block's second run takes place within its backward, over parameters that backward has gathered anyway: it costs no collective.</remarks>
public sealed record ActivationCheckpointing
{
    /// <summary>Every how many blocks one is checkpointed: 1 is every block, 3 the third, the sixth, and so on.</summary>
    public int Every
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, $"Every is {value}; it must be at least 1, which is every block.");
    } = 1;

    /// <summary>Ops of checkpointed blocks whose results are kept and not computed again.</summary>
    public KeptOps Keep { get; init; }

    /// <summary>Marks the blocks of a model, in the order of registration.</summary>
    /// <exception cref="ArgumentException">A block to mark is no <see cref="Layer"/>, or there is none.</exception>
    internal void Mark(IReadOnlyList<UnitBlock> blocks)
    {
        if (blocks.Count - 1 < Every)
        {
            throw new ArgumentException(
                $"Activation checkpointing of every {(Every == 1 ? "block" : $"{Every} blocks")} would have no effect: the model has {blocks.Count - 1} blocks; declare some with AddUnit, or leave it out.");
        }

        for (var i = Every; i < blocks.Count; i += Every)
        {
            if (blocks[i].Module is not Layer layer)
            {
                throw new ArgumentException(
                    $"Block '{blocks[i].Name}' ({blocks[i].Module.GetType().Name}) cannot be checkpointed: only a Layer, from one tensor to one tensor, can be run again; "
                    + "call Tensor.Checkpoint inside it instead.");
            }

            layer.Checkpoint = Keep;
        }
    }
}

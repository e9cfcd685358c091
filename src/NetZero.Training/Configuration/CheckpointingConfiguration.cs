using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What checkpointed blocks keep of their forward pass.</summary>
public enum CheckpointingMode
{
    /// <summary>No block is checkpointed: all that backward needs is kept.</summary>
    None,

    /// <summary>Their input alone; the rest is computed again.</summary>
    Full,

    /// <summary>Their input and the results of some ops.</summary>
    Selective,
}

/// <summary>The section <c>activation_checkpointing</c>.</summary>
public sealed record CheckpointingConfiguration
{
    /// <summary>What checkpointed blocks keep.</summary>
    public CheckpointingMode Mode { get; init; }

    /// <summary>Every how many blocks one is checkpointed.</summary>
    public int Every { get; init; } = 1;

    /// <summary>The ops whose results selective checkpointing keeps.</summary>
    public KeptOps Keep { get; init; } = KeptOps.Attention | KeptOps.MatMul;

    /// <summary>The engine's setting; null is none.</summary>
    public ActivationCheckpointing? ToOption() => Mode switch
    {
        CheckpointingMode.None => null,
        CheckpointingMode.Full => new ActivationCheckpointing { Every = Every },
        _ => new ActivationCheckpointing { Every = Every, Keep = Keep },
    };
}

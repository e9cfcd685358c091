using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What the base under adapters is kept in.</summary>
public enum BaseType
{
    /// <summary>The type that the run computes in.</summary>
    Run,

    /// <summary>fp32.</summary>
    Single,

    /// <summary>bfloat16.</summary>
    BFloat16,

    /// <summary>Matrices in 8-bit codes.</summary>
    Int8,

    /// <summary>Matrices in 4-bit codes.</summary>
    NormalFloat4,
}

/// <summary>The section <c>lora</c>: adapters are trained in the place of the model.</summary>
public sealed record LoraConfiguration
{
    /// <summary>The rank of the adapters; 0 trains the model itself.</summary>
    public int Rank { get; init; }

    /// <summary>What an adapter adds is scaled by this over the rank.</summary>
    public double Alpha { get; init; } = new LoraOptions().Alpha;

    /// <summary>The probability with which an adapter's inputs are dropped.</summary>
    public double Dropout { get; init; }

    /// <summary>The linear layers that get adapters; PEFT's default for GPT-2.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = ["c_attn"];

    /// <summary>Whether the scale is over the square root of the rank.</summary>
    public bool UseRslora { get; init; }

    /// <summary>What the base is kept in.</summary>
    public BaseType BaseType { get; init; }

    /// <summary>Whether adapters are trained.</summary>
    public bool IsOn => Rank > 0;

    /// <summary>What the fixed parameters are kept in.</summary>
    public BaseStorage Storage => BaseType switch
    {
        BaseType.Single => new BaseStorage(DType.F32),
        BaseType.BFloat16 => new BaseStorage(DType.BF16),
        BaseType.Int8 => new BaseStorage(Format: BlockFormat.Int8),
        BaseType.NormalFloat4 => new BaseStorage(Format: BlockFormat.NormalFloat4),
        _ => new BaseStorage(),
    };

    /// <summary>The adapters' settings; null where there are none.</summary>
    public LoraOptions? ToOptions() => IsOn
        ? new LoraOptions { Rank = Rank, Alpha = Alpha, Dropout = Dropout, TargetModules = TargetModules, UseRslora = UseRslora }
        : null;
}

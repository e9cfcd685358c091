using NetZero.Nn;

namespace NetZero.Training;

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

    /// <summary>Whether adapters are trained.</summary>
    public bool IsOn => Rank > 0;

    /// <summary>The adapters' settings; null where there are none.</summary>
    public LoraOptions? ToOptions() => IsOn
        ? new LoraOptions { Rank = Rank, Alpha = Alpha, Dropout = Dropout, TargetModules = TargetModules, UseRslora = UseRslora }
        : null;
}

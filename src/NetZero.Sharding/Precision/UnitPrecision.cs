using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>The types of one flat unit, whose parameters have them in common.</summary>
/// <param name="Values">What is sharded, updated and saved: the fp32 masters, or what is computed with where frozen parameters have a type of their own.</param>
/// <param name="Parameters">What is gathered and computed with.</param>
/// <param name="Gradients">Gradients as they are written and added up over micro-batches.</param>
/// <param name="Reduction">Gradients on their way over the ranks.</param>
public readonly record struct UnitPrecision(DType Values, DType Parameters, DType Gradients, DType Reduction)
{
    /// <summary>Whether a copy is computed with, beside the values.</summary>
    public bool HasMasters => Values != Parameters;

    /// <summary>Whether gradients are converted on their way over the ranks.</summary>
    public bool ConvertsGradients => Gradients != Reduction;

    /// <summary>The types once the unit trains: fp32 masters.</summary>
    internal UnitPrecision Trained => this with { Values = DType.F32 };

    /// <summary>Such as <c>bf16 from fp32</c>, and what of gradients is not fp32.</summary>
    public override string ToString()
    {
        var values = HasMasters ? $"{Name(Parameters)} from {Name(Values)}" : Name(Parameters);
        return Gradients == DType.F32 && Reduction == DType.F32 ? values : $"{values}, gradients {Name(Gradients)}{(ConvertsGradients ? $" reduced in {Name(Reduction)}" : "")}";
    }

    /// <summary>A type as configurations call it.</summary>
    internal static string Name(DType dtype) => dtype switch
    {
        DType.F32 => "fp32",
        DType.BF16 => "bf16",
        DType.F16 => "fp16",
        _ => dtype.ToString().ToLowerInvariant(),
    };
}

using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training.Keys;

/// <summary>The keys of the sections <c>bf16</c>, <c>fp16</c> and <c>data_types</c>, named as DeepSpeed's.</summary>
internal static class PrecisionKeys
{
    private static readonly (Func<PrecisionConfiguration, bool> Applies, string Where) Half = (p => p.Half, "fp16.enabled true");

    private static readonly (Func<PrecisionConfiguration, bool> Applies, string Where) Dynamic =
        (p => p.Half && p.LossScaler.LossScale == 0, "fp16.enabled true with a loss_scale of 0");

    /// <summary>The section <c>bf16</c>.</summary>
    public static readonly Section<PrecisionConfiguration> BFloat16Section = new(
        new ValueKey<PrecisionConfiguration, bool>(
            "enabled", new Flag(), p => p.BFloat16, (p, v) => p with { BFloat16 = v },
            "Whether parameters and activations are bfloat16, made from fp32 master values."));

    /// <summary>The section <c>fp16</c>.</summary>
    public static readonly Section<PrecisionConfiguration> HalfSection = new(
        new ValueKey<PrecisionConfiguration, bool>(
            "enabled", new Flag(), p => p.Half, (p, v) => p with { Half = v },
            "Whether parameters and activations are half precision, made from fp32 master values, and the loss is scaled."),
        new ValueKey<PrecisionConfiguration, double>(
            "loss_scale", new RealNumber(0), p => p.LossScaler.LossScale, (p, v) => With(p, p.LossScaler with { LossScale = v }),
            "A fixed scale of the loss; 0 adapts it.")
        { Only = Half },
        new ValueKey<PrecisionConfiguration, int>(
            "initial_scale_power", new WholeNumber<int>(0, 126), p => p.LossScaler.InitialScalePower, (p, v) => With(p, p.LossScaler with { InitialScalePower = v }),
            "The first scale is 2 to this power.")
        { Only = Dynamic },
        new ValueKey<PrecisionConfiguration, int>(
            "loss_scale_window", new WholeNumber<int>(1), p => p.LossScaler.LossScaleWindow, (p, v) => With(p, p.LossScaler with { LossScaleWindow = v }),
            "After so many steps without overflow the scale doubles.")
        { Only = Dynamic },
        new ValueKey<PrecisionConfiguration, int>(
            "hysteresis", new WholeNumber<int>(1), p => p.LossScaler.Hysteresis, (p, v) => With(p, p.LossScaler with { Hysteresis = v }),
            "The scale is halved at the overflow of this number, and at those after it.")
        { Only = Dynamic },
        new ValueKey<PrecisionConfiguration, bool>(
            "consecutive_hysteresis", new Flag(), p => p.LossScaler.ConsecutiveHysteresis, (p, v) => With(p, p.LossScaler with { ConsecutiveHysteresis = v }),
            "Whether each step without overflow restores the hysteresis; otherwise a scale that doubles does.")
        { Only = Dynamic },
        new ValueKey<PrecisionConfiguration, double>(
            "min_loss_scale", new RealNumber(1), p => p.LossScaler.MinLossScale, (p, v) => With(p, p.LossScaler with { MinLossScale = v }),
            "The scale is never halved below this; an overflow there ends the run.")
        { Only = Dynamic });

    /// <summary>The section <c>data_types</c>.</summary>
    public static readonly Section<PrecisionConfiguration> DataTypesSection = new(
        new ValueKey<PrecisionConfiguration, DType>(
            "grad_accum_dtype", Types, p => p.GradientAccumulation, (p, v) => p with { GradientAccumulation = v },
            "The type in which gradients are written and added up over micro-batches: fp32, bf16 or fp16."),
        new ValueKey<PrecisionConfiguration, IReadOnlyList<PrecisionOverride>>(
            "parameters", new TypeMap(), p => p.Parameters, (p, v) => p with { Parameters = v },
            "Types of single parameters: a pattern of their names, and fp32, bf16 or fp16; later ones win. Frozen ones are kept in that type, without fp32 master values."));

    /// <summary>The names of element types.</summary>
    public static Choice<DType> Types => new(("fp32", DType.F32), ("bf16", DType.BF16), ("fp16", DType.F16));

    private static PrecisionConfiguration With(PrecisionConfiguration p, LossScalerOptions options) => p with { LossScaler = options };
}

namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>lora</c>, named as PEFT's.</summary>
internal static class LoraKeys
{
    private static readonly (Func<LoraConfiguration, bool> Applies, string Where) On = (l => l.IsOn, "a section lora with 'r'");

    /// <summary>The section itself.</summary>
    public static readonly Section<LoraConfiguration> Section = new(
        Counts.Size<LoraConfiguration>("r", l => l.Rank, (l, v) => l with { Rank = v }, "The rank of the adapters. Without it the model itself is trained."),
        new ValueKey<LoraConfiguration, double>(
            "lora_alpha", new RealNumber(0, aboveMinimum: true), l => l.Alpha, (l, v) => l with { Alpha = v }, "What an adapter adds is scaled by this over r.")
        { Only = On },
        new ValueKey<LoraConfiguration, double>(
            "lora_dropout", new RealNumber(0, 1, belowMaximum: true), l => l.Dropout, (l, v) => l with { Dropout = v },
            "The probability of dropping an element of what goes into an adapter; 0 is off.")
        { Only = On },
        new ValueKey<LoraConfiguration, IReadOnlyList<string>>(
            "target_modules", new TextList(), l => l.TargetModules, (l, v) => l with { TargetModules = v },
            "The linear layers that get adapters: names or ends of names such as c_attn, patterns such as h.1*.attn.*, or all-linear.")
        { Only = On },
        new ValueKey<LoraConfiguration, bool>(
            "use_rslora", new Flag(), l => l.UseRslora, (l, v) => l with { UseRslora = v }, "Whether the scale is lora_alpha over the square root of r.")
        { Only = On },
        new ValueKey<LoraConfiguration, BaseType>(
            "base_dtype",
            new Choice<BaseType>(("run", BaseType.Run), ("fp32", BaseType.Single), ("bf16", BaseType.BFloat16), ("int8", BaseType.Int8), ("nf4", BaseType.NormalFloat4)),
            l => l.BaseType, (l, v) => l with { BaseType = v },
            "What the base is kept in: the run's own type, fp32 or bf16; or its matrices in codes of 8 bits or of 4 (QLoRA), in blocks of 64.")
        { Only = On });
}

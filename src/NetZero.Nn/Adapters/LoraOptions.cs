namespace NetZero.Nn;

/// <summary>Settings of low-rank adapters, with the names and meaning of PEFT's <c>LoraConfig</c>.</summary>
public sealed record LoraOptions
{
    /// <summary><c>r</c>: the rank.</summary>
    public int Rank { get; init; } = 8;

    /// <summary><c>lora_alpha</c>: what an adapter adds is scaled by this over <see cref="Rank"/>.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary><c>use_rslora</c>: scales by alpha over the square root of the rank instead (Kalajdzievski 2023).</summary>
    public bool UseRslora { get; init; }

    /// <summary><c>lora_dropout</c>: the probability with which an adapter's inputs are dropped in training.</summary>
    public double Dropout { get; init; }

    /// <summary><c>target_modules</c>: the linear layers that get one; see <see cref="LoraTargets"/>.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = [LoraTargets.AllLinear];

    /// <summary>What an adapter adds is multiplied by.</summary>
    public float Scale => (float)(UseRslora ? Alpha / Math.Sqrt(Rank) : Alpha / Rank);

    /// <summary>Refuses settings that cannot be.</summary>
    /// <exception cref="ArgumentException">One cannot; the message names it.</exception>
    public void Validate()
    {
        if (Rank < 1)
            throw new ArgumentException($"r is {Rank}; it must be at least 1.");
        if (!(Alpha > 0) || !double.IsFinite(Alpha))
            throw new ArgumentException($"lora_alpha is {Alpha}; it must be above 0.");
        if (Dropout is not (>= 0 and < 1))
            throw new ArgumentException($"lora_dropout is {Dropout}; it must be at least 0 and below 1.");
        if (TargetModules.Count == 0)
            throw new ArgumentException($"target_modules is empty; name linear layers, or \"{LoraTargets.AllLinear}\".");
    }
}

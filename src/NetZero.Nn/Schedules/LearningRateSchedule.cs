namespace NetZero.Nn;

/// <summary>The learning rate as a function of the step. Pure: nothing to save but the step.</summary>
public abstract record LearningRateSchedule
{
    /// <summary>The learning rate of step <paramref name="step"/> (from 0), given the optimizer's base rate.</summary>
    public abstract double At(long step, double baseRate);
}

/// <summary>The base rate at every step.</summary>
public sealed record ConstantSchedule : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate) => baseRate;
}

/// <summary>Linear warm-up to the base rate, then constant: step s of w warm-up steps has rate base x (s + 1) / w.</summary>
/// <param name="WarmupSteps">w; 0 is none.</param>
public sealed record WarmupSchedule(long WarmupSteps) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate) =>
        step < WarmupSteps ? baseRate * (step + 1) / WarmupSteps : baseRate;
}

/// <summary>Linear warm-up, then half a cosine from the base rate down to a share of it after the total steps, constant from there on (SGDR, section 3, one period).</summary>
/// <param name="WarmupSteps">Steps of warm-up.</param>
/// <param name="TotalSteps">The step count at which the minimum is reached, warm-up included.</param>
/// <param name="MinimumRatio">The last rate as a share of the base rate.</param>
public sealed record WarmupCosineSchedule(long WarmupSteps, long TotalSteps, double MinimumRatio) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate)
    {
        if (step < WarmupSteps)
            return baseRate * (step + 1) / WarmupSteps;
        var progress = Math.Clamp((step - WarmupSteps) / (double)Math.Max(1, TotalSteps - WarmupSteps), 0, 1);
        return baseRate * (MinimumRatio + ((1 - MinimumRatio) * 0.5 * (1 + Math.Cos(Math.PI * progress))));
    }
}

/// <summary>Linear warm-up, then a straight line from the base rate to zero after the total steps (Hugging Face's and DeepSpeed's linear schedule).</summary>
/// <param name="WarmupSteps">Steps of warm-up.</param>
/// <param name="TotalSteps">The step count at which zero is reached, warm-up included.</param>
public sealed record WarmupDecaySchedule(long WarmupSteps, long TotalSteps) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate) => step < WarmupSteps
        ? baseRate * (step + 1) / WarmupSteps
        : baseRate * Math.Max(0, (TotalSteps - step) / (double)Math.Max(1, TotalSteps - WarmupSteps));
}

/// <summary>Linear warm-up, then falling with the inverse square root of the step (Vaswani et al. 2017, section 5.3, in Hugging Face's form).</summary>
/// <param name="WarmupSteps">w, the steps of warm-up.</param>
/// <param name="Timescale">t: step s has rate base / sqrt((s - w + t) / t), so after 3 t steps it has halved.</param>
public sealed record InverseSquareRootSchedule(long WarmupSteps, long Timescale) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate) => step < WarmupSteps
        ? baseRate * (step + 1) / WarmupSteps
        : baseRate / Math.Sqrt((step - WarmupSteps + Timescale) / (double)Timescale);
}

/// <summary>
/// Adafactor's relative step size (Shazeer and Stern 2018, section 8): step t, from 1, has the base rate x min(0.01, 1 / sqrt(t)), or with
/// a warm-up min(1e-6 t, 1 / sqrt(t)).
/// </summary>
/// <param name="WarmsUp">Whether the rate begins near zero (Hugging Face's <c>warmup_init</c>).</param>
public sealed record RelativeStepSchedule(bool WarmsUp) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate) =>
        baseRate * Math.Min(WarmsUp ? 1e-6 * (step + 1) : 1e-2, 1 / Math.Sqrt(step + 1));
}

/// <summary>One cycle (Smith and Topin 2018) as PyTorch's OneCycleLR anneals it: half a cosine up to the base rate, half a cosine far below where it began.</summary>
/// <param name="TotalSteps">Steps of the cycle; the last rate stays.</param>
/// <param name="RisingShare">The share of the steps in which the rate rises.</param>
/// <param name="StartDivisor">The first rate is the base rate divided by it.</param>
/// <param name="EndDivisor">The last rate is the first divided by it.</param>
public sealed record OneCycleSchedule(long TotalSteps, double RisingShare, double StartDivisor, double EndDivisor) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate)
    {
        var first = baseRate / StartDivisor;
        var top = (RisingShare * TotalSteps) - 1;
        var last = TotalSteps - 1.0;
        if (step <= top)
            return Anneal(first, baseRate, step / top);
        return Anneal(baseRate, first / EndDivisor, last > top ? Math.Min(1, (step - top) / (last - top)) : 1);
    }

    private static double Anneal(double from, double to, double progress) => to + ((from - to) / 2 * (1 + Math.Cos(Math.PI * progress)));
}

/// <summary>The base rate multiplied by a factor every so many steps (PyTorch's StepLR).</summary>
/// <param name="StepSize">Steps between falls.</param>
/// <param name="Gamma">The factor.</param>
public sealed record StepDecaySchedule(long StepSize, double Gamma) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate) => baseRate * Math.Pow(Gamma, step / StepSize);
}

/// <summary>How a warm-up-stable-decay schedule falls.</summary>
public enum DecayShape
{
    /// <summary>Half a cosine.</summary>
    Cosine,

    /// <summary>A straight line.</summary>
    Linear,

    /// <summary>1 - sqrt(progress) (Haegele et al. 2024, section 3): steep first.</summary>
    OneMinusSquareRoot,
}

/// <summary>Linear warm-up, constant, and a fall at the end (Hu et al. 2024, MiniCPM, section 4): the constant part can be prolonged without deciding on an end.</summary>
/// <param name="WarmupSteps">Steps of warm-up.</param>
/// <param name="TotalSteps">The step count at which the minimum is reached.</param>
/// <param name="DecaySteps">How many steps the fall takes.</param>
/// <param name="MinimumRatio">The last rate as a share of the base rate.</param>
/// <param name="Shape">The fall's shape.</param>
public sealed record WarmupStableDecaySchedule(long WarmupSteps, long TotalSteps, long DecaySteps, double MinimumRatio, DecayShape Shape) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double At(long step, double baseRate)
    {
        if (step < WarmupSteps)
            return baseRate * (step + 1) / WarmupSteps;
        var progress = Math.Clamp((step - (TotalSteps - DecaySteps)) / (double)Math.Max(1, DecaySteps), 0, 1);
        var height = Shape switch
        {
            DecayShape.Cosine => 0.5 * (1 + Math.Cos(Math.PI * progress)),
            DecayShape.Linear => 1 - progress,
            DecayShape.OneMinusSquareRoot => 1 - Math.Sqrt(progress),
            _ => throw new InvalidOperationException($"Unknown shape {Shape}."),
        };
        return baseRate * (MinimumRatio + ((1 - MinimumRatio) * height));
    }
}

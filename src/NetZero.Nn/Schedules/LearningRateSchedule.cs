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

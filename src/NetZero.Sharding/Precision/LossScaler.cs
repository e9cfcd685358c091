namespace NetZero.Sharding;

/// <summary>Scales losses so that small gradients do not vanish in half precision, and follows overflows: the scale is halved after some, and doubled after a window without.</summary>
/// <remarks>
/// The rules are those of DeepSpeed's <c>DynamicLossScaler</c> (factor 2). What it is told is the same on every rank, so that the scale is too.
/// Micikevicius et al. 2018, "Mixed Precision Training", section 3.2.
/// </remarks>
public sealed class LossScaler
{
    private const double Factor = 2;

    // Backward starts from a float; beyond this its scale would be infinite.
    private static readonly double LargestScale = Math.ScaleB(1, 126);

    private readonly LossScalerOptions _options;
    private LossScalerState _state;

    /// <summary>Starts with the first scale.</summary>
    /// <exception cref="ArgumentException">A setting that cannot be; the message says which.</exception>
    public LossScaler(LossScalerOptions? options = null)
    {
        _options = options ?? new LossScalerOptions();
        _options.Validate();
        _state = new LossScalerState(IsDynamic ? Math.ScaleB(1, _options.InitialScalePower) : _options.LossScale, 0, -1, _options.Hysteresis);
    }

    /// <summary>What losses are multiplied with before backward, and gradients divided by before the update.</summary>
    public double Scale => _state.Scale;

    /// <summary>Whether the scale adapts.</summary>
    public bool IsDynamic => _options.LossScale == 0;

    /// <summary>Where it stands, for checkpoints.</summary>
    public LossScalerState State
    {
        get => _state;
        set => _state = value.Scale > 0 && value.Hysteresis >= 1 && value.Steps >= 0
            ? value
            : throw new ArgumentException($"A loss scaler's state needs a positive scale, at least 0 steps and a hysteresis of at least 1; found {value}.", nameof(value));
    }

    /// <summary>A step has computed its gradients.</summary>
    /// <param name="overflow">Whether any of them, on any rank, is infinite or not a number; the step is then not taken.</param>
    /// <exception cref="LossScaleException">They overflow although the scale is at its smallest.</exception>
    public void Update(bool overflow)
    {
        var (scale, steps, lastOverflow, hysteresis) = _state;
        if (overflow)
        {
            if (hysteresis == 1 && IsDynamic && scale <= _options.MinLossScale)
                throw new LossScaleException(scale, _options);
            if (hysteresis == 1)
                scale = Math.Max(scale / Factor, _options.MinLossScale);
            else
                hysteresis--;
            lastOverflow = steps;
        }
        else
        {
            if (_options.ConsecutiveHysteresis)
                hysteresis = _options.Hysteresis;
            if ((steps - lastOverflow) % _options.LossScaleWindow == 0)
            {
                hysteresis = _options.Hysteresis;
                scale = Math.Min(scale * Factor, LargestScale);
            }
        }

        _state = new LossScalerState(IsDynamic ? scale : _state.Scale, steps + 1, lastOverflow, hysteresis);
    }
}

/// <summary>Where a <see cref="LossScaler"/> stands.</summary>
/// <param name="Scale">The scale.</param>
/// <param name="Steps">Steps so far, skipped ones included.</param>
/// <param name="LastOverflow">The step, from 0, that overflowed last; -1 for none.</param>
/// <param name="Hysteresis">How many overflows are left until one halves the scale, that one included.</param>
public readonly record struct LossScalerState(double Scale, long Steps, long LastOverflow, int Hysteresis);

namespace NetZero.Sharding;

/// <summary>Gradients overflow although the scale of the loss cannot be lowered any more: training has diverged, or the smallest scale is too large.</summary>
public sealed class LossScaleException : Exception
{
    internal LossScaleException(double scale, LossScalerOptions options)
        : base(
            $"Gradients are infinite or not numbers at the smallest loss scale, {scale:R} (min_loss_scale {options.MinLossScale:R}): training has diverged; lower the learning rate, clip gradients, "
            + "or train in bf16.")
    {
    }
}

namespace NetZero.Training;

/// <summary>A model's weights have diverged: its logits are no finite numbers, so no token is likelier than another and there is no text to write.</summary>
public sealed class DivergedModelException()
    : Exception("the model's weights have diverged (no logit is a finite number), so it writes no text; train again with a lower 'optimizer.params.lr', or take an earlier checkpoint");

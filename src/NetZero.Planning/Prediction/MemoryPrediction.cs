namespace NetZero.Planning;

/// <summary>Predicted bytes of one rank at its peak, by what holds them.</summary>
/// <param name="Parameters">Resident parameters, with an fp32 master where it is one of them.</param>
/// <param name="Gradients">Resident gradients.</param>
/// <param name="Optimizer">Moments and masters.</param>
/// <param name="Gathered">Parameters and gradients that are whole at the moment.</param>
/// <param name="Activations">What is kept for backward.</param>
/// <param name="Logits">The head's output and the loss's copies of it.</param>
/// <param name="Fixed">Workspaces and buffers.</param>
/// <param name="Moment">When the peak occurs.</param>
public readonly record struct MemoryPrediction(
    double Parameters, double Gradients, double Optimizer, double Gathered, double Activations, double Logits, double Fixed, string Moment)
{
    /// <summary>All of it.</summary>
    public double Total => Parameters + Gradients + Optimizer + Gathered + Activations + Logits + Fixed;
}

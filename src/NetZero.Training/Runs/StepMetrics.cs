using System.Text.Json;

namespace NetZero.Training;

/// <summary>One line of <c>metrics.jsonl</c>.</summary>
/// <param name="Step">The optimizer step, from 0.</param>
/// <param name="Loss">The mean over all targets of the global batch, before the update, in nats per token.</param>
/// <param name="GradientNorm">The global gradient norm before clipping: the 2-norm, or the one that the configuration clips by.</param>
/// <param name="LearningRate">The rate of this step's update.</param>
/// <param name="Tokens">Tokens of all ranks, this step's included.</param>
/// <param name="TokensPerSecond">Tokens of this step over its time.</param>
/// <param name="StepSeconds">The time of this step, evaluation not included.</param>
/// <param name="ValidationLoss">The loss of the validation text after this step's update, in steps that evaluate.</param>
/// <param name="LossScale">What the loss was scaled by in half precision.</param>
/// <param name="Skipped">Whether gradients overflowed under that scale, so that nothing was updated.</param>
public sealed record StepMetrics(
    int Step, double Loss, double GradientNorm, double LearningRate, long Tokens, double TokensPerSecond, double StepSeconds,
    double? ValidationLoss = null, double? LossScale = null, bool Skipped = false)
{
    /// <summary>Seconds of the step in which each rank waited for others; empty for a single rank.</summary>
    public IReadOnlyList<double> WaitSeconds { get; init; } = [];

    /// <summary>Writes the line's object. Numbers read back to the same double; those that are none stand as text, such as "NaN".</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("step", Step);
        WriteReal(writer, "loss", Loss);
        WriteReal(writer, "grad_norm", GradientNorm);
        WriteReal(writer, "learning_rate", LearningRate);
        writer.WriteNumber("tokens", Tokens);
        WriteReal(writer, "tokens_per_second", TokensPerSecond);
        WriteReal(writer, "step_seconds", StepSeconds);
        if (WaitSeconds.Count > 0)
        {
            writer.WriteStartArray("wait_seconds");
            foreach (var seconds in WaitSeconds)
                writer.WriteNumberValue(Math.Round(seconds, 6));
            writer.WriteEndArray();
        }

        if (ValidationLoss is { } loss)
        {
            WriteReal(writer, "validation_loss", loss);
            WriteReal(writer, "validation_perplexity", Math.Exp(loss));
        }

        if (LossScale is { } scale)
        {
            WriteReal(writer, "loss_scale", scale);
            writer.WriteBoolean("skipped", Skipped);
        }

        writer.WriteEndObject();
    }

    // JSON has no word for a loss that diverged; System.Text.Json's own readers take these names as text.
    internal static void WriteReal(Utf8JsonWriter writer, string name, double value)
    {
        if (double.IsFinite(value))
            writer.WriteNumber(name, value);
        else
            writer.WriteString(name, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    }
}

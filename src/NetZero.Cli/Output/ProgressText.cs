using System.Globalization;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>Numbers of a step as people read them.</summary>
internal static class ProgressText
{
    public static string Line(StepReport report)
    {
        var m = report.Metrics;
        return $"step {m.Step + 1}/{report.Steps}  loss {Real(m.Loss)}  grad norm {Real(m.GradientNorm)}  lr {Rate(m.LearningRate)}  "
            + $"{(m.LossScale is null ? "" : $"loss scale {LossScale(m)}  ")}{Speed(m.TokensPerSecond)}  left {Time(report.TimeLeft)}";
    }

    public static string Line(EvaluationReport report) => $"step {report.Step + 1}  validation loss {Real(report.Loss)}  perplexity {Perplexity(report.Perplexity)}";

    public static string LossScale(StepMetrics m) =>
        (m.LossScale ?? 1).ToString("0.####", CultureInfo.InvariantCulture) + (m.Skipped ? " (overflow: step skipped)" : "");

    public static string Real(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    public static string Perplexity(double value) => value.ToString("G5", CultureInfo.InvariantCulture);

    public static string Rate(double value) => value.ToString("0.00e+0", CultureInfo.InvariantCulture);

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>So many of a thing, such as <c>1 rank</c> or <c>2,000 ranks</c>.</summary>
    public static string Count(long value, string one) => $"{Count(value)} {one}{(value == 1 ? "" : "s")}";

    public static string Speed(double tokensPerSecond) => $"{tokensPerSecond.ToString("N0", CultureInfo.InvariantCulture)} tokens/s";

    public static string Time(TimeSpan time) => time.TotalHours >= 1
        ? $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}"
        : $"{time.Minutes}:{time.Seconds:00}";
}

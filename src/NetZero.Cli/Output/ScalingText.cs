using System.Globalization;
using NetZero.Planning;

namespace NetZero.Cli;

/// <summary>Scaling curves for the terminal; at most 100 columns.</summary>
internal static class ScalingText
{
    public static void Write(TextWriter output, IReadOnlyList<CurvePoint> weak, IReadOnlyList<CurvePoint> strong)
    {
        output.WriteLine("weak scaling: each rank keeps its samples");
        Write(output, weak);
        output.WriteLine();
        output.WriteLine("strong scaling: the batch stays");
        Write(output, strong);
    }

    private static void Write(TextWriter output, IReadOnlyList<CurvePoint> points)
    {
        output.WriteLine("  ranks      step s       tokens/s   a device   efficiency   exposed communication      GiB");
        foreach (var point in points)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{point.Ranks,7} {point.Time.StepSeconds,11:F3} {point.TokensPerSecond,14:N0} {point.Time.TokensPerSecondPerDevice,10:N0} {point.Efficiency * 100,10:F1} % {point.CommunicationShare * 100,21:F1} % {point.PeakBytes / (1L << 30),8:F1}"));
        }

        output.WriteLine(points.FirstOrDefault(point => point.CommunicationEqualsCompute) is { } half
            ? $"communication takes as long as compute from {half.Ranks} ranks"
            : "communication stays below compute");
    }
}

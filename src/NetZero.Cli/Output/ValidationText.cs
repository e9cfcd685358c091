using System.Globalization;
using NetZero.Planning;

namespace NetZero.Cli;

/// <summary>Errors by source, then what could not be predicted; at most 100 columns.</summary>
internal static class ValidationText
{
    public static void Write(TextWriter output, ValidationReport report)
    {
        output.WriteLine("                 speed                                            memory");
        output.WriteLine("source           rows   median      p90    worst   const. MFU      rows   median      p90    worst");
        foreach (var (source, errors) in report.BySource)
            output.WriteLine(Line(source, errors));
        output.WriteLine(Line("overall", report.Overall));
        output.WriteLine();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.PredictedShare * 100:F1} % of {report.Rows.Count} rows predicted; overall memory counts rows of allocated or active bytes"));
        foreach (var row in report.Rows.Where(row => row.PredictedTokensPerSPerGpu is null))
            output.WriteLine($"{row.Id}: {row.Reason}");
    }

    private static string Line(string source, ErrorSummaries errors) => string.Create(
        CultureInfo.InvariantCulture,
        $"{source,-16} {errors.Time.Count,4} {Percent(errors.Time.MedianError)} {Percent(errors.Time.P90Error)} {Percent(errors.Time.WorstError)}    "
        + $"{Percent(errors.Time.BaselineMedianError)}      {errors.Memory.Count,4} {Percent(errors.Memory.MedianError)} {Percent(errors.Memory.P90Error)} {Percent(errors.Memory.WorstError)}");

    private static string Percent(double? error) =>
        error is { } share ? string.Create(CultureInfo.InvariantCulture, $"{share * 100,6:F1} %") : "       -";
}

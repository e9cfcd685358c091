namespace NetZero.Planning;

/// <summary>Errors of several rows: fractions, over the rows that are scored.</summary>
/// <param name="Count">How many.</param>
/// <param name="MedianError">The median; of an even number the mean of the two in the middle.</param>
/// <param name="P90Error">The smallest error that at least nine of ten rows do not exceed.</param>
/// <param name="WorstError">The largest.</param>
/// <param name="BaselineMedianError">The median of the constant MFU; null for memory.</param>
public sealed record ErrorSummary(int Count, double? MedianError, double? P90Error, double? WorstError, double? BaselineMedianError)
{
    internal static ErrorSummary Of(IEnumerable<double> errors, IEnumerable<double>? baseline)
    {
        var sorted = errors.Order().ToArray();
        return sorted.Length == 0
            ? new ErrorSummary(0, null, null, null, null)
            : new ErrorSummary(sorted.Length, Median(sorted), sorted[(int)Math.Ceiling(0.9 * sorted.Length) - 1], sorted[^1],
                baseline?.Order().ToArray() is { Length: > 0 } other ? Median(other) : null);
    }

    internal static double Median(double[] sorted) => (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
}

/// <summary>Errors of time and memory.</summary>
/// <param name="Time">Of tokens per second.</param>
/// <param name="Memory">Of peak bytes; overall only of rows that count allocated or active bytes.</param>
public sealed record ErrorSummaries(ErrorSummary Time, ErrorSummary Memory);

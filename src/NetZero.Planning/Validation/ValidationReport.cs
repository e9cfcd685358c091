using System.Text.Json;
using System.Text.Json.Serialization;

namespace NetZero.Planning;

/// <summary>Predictions of published rows beside what was measured.</summary>
public sealed record ValidationReport
{
    /// <summary>Every row.</summary>
    public required IReadOnlyList<RowResult> Rows { get; init; }

    /// <summary>Over all scored rows.</summary>
    public required ErrorSummaries Overall { get; init; }

    /// <summary>By source.</summary>
    public required IReadOnlyDictionary<string, ErrorSummaries> BySource { get; init; }

    /// <summary>The share of rows that have a prediction.</summary>
    public required double PredictedShare { get; init; }

    /// <summary>Predicts every row of a table.</summary>
    /// <param name="csv">The table: the columns of <c>docs/planner.md</c>.</param>
    /// <param name="where">What it is called in errors.</param>
    /// <param name="calibration">The constants.</param>
    /// <exception cref="ArgumentException">Text that is no such table.</exception>
    public static ValidationReport Of(string csv, string where, Calibration calibration) =>
        Of([.. PublishedRow.ReadAll(csv, where).Select(row => new RowPredictor(row, calibration))], calibration);

    /// <summary>The same of rows that were read before.</summary>
    public static ValidationReport Of(IReadOnlyList<RowPredictor> predictors, Calibration calibration)
    {
        ArgumentNullException.ThrowIfNull(predictors);
        var baseline = ConstantMfu.Of(predictors);
        var rows = predictors.Select(predictor => Result(predictor, calibration, baseline)).ToArray();
        return new ValidationReport
        {
            Rows = rows,
            Overall = Summaries(rows, onlyAllocated: true),
            BySource = rows.GroupBy(row => row.Source).ToDictionary(group => group.Key, group => Summaries(group, onlyAllocated: false)),
            PredictedShare = rows.Count(row => row.PredictedTokensPerSPerGpu is not null || row.PredictedPeakMemGib is not null) / (double)Math.Max(1, rows.Length),
        };
    }

    /// <summary>As JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ValidationJson.Default.ValidationReport);

    private static ErrorSummaries Summaries(IEnumerable<RowResult> rows, bool onlyAllocated)
    {
        var scored = rows.Where(row => row.Scored).ToArray();
        var timed = scored.Where(row => row.TimeError is not null).ToArray();
        var weighed = scored.Where(row => row.MemoryError is not null && (!onlyAllocated || row.Counter == MemoryCounter.Allocated));
        return new ErrorSummaries(
            ErrorSummary.Of(timed.Select(row => row.TimeError!.Value), timed.Select(row => row.BaselineTimeError!.Value)),
            ErrorSummary.Of(weighed.Select(row => row.MemoryError!.Value), null));
    }

    private static RowResult Result(RowPredictor predictor, Calibration calibration, ConstantMfu baseline)
    {
        var row = predictor.Row;
        var result = new RowResult
        {
            Id = row.Id,
            Source = row.SourceName,
            Device = predictor.Device,
            Counter = row.Counter,
            Assumed = predictor.Assumed,
            Scored = row.IsScored,
            Reason = predictor.Reason ?? (row.IsScored ? null : "not scored: the row's notes call it recalled or suspect"),
        };
        if (predictor.Reason is not null)
            return result;
        var (tokens, gib) = (predictor.Tokens(calibration), predictor.Gib(calibration));
        var (timed, weighed) = (predictor.MeasuredTokens > 0, predictor.MeasuredGib > 0);
        return result with
        {
            PredictedTokensPerSPerGpu = tokens,
            PredictedPeakMemGib = gib,
            MeasuredTokensPerSPerGpu = timed ? predictor.MeasuredTokens : null,
            MeasuredPeakMemGib = weighed ? predictor.MeasuredGib : null,
            TimeError = timed && row.IsTimeScored ? Math.Abs(tokens / predictor.MeasuredTokens - 1) : null,
            BaselineTimeError = timed && row.IsTimeScored ? Math.Abs(baseline.Tokens(predictor) / predictor.MeasuredTokens - 1) : null,
            MemoryError = weighed ? Math.Abs(gib / predictor.MeasuredGib - 1) : null,
        };
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ValidationReport))]
internal sealed partial class ValidationJson : JsonSerializerContext;

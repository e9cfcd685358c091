namespace NetZero.Planning.Fit;

/// <summary>What rows say against a calibration: logarithms of predicted over measured.</summary>
/// <param name="Rows">The rows that count.</param>
/// <param name="Memory">Whether bytes are compared instead of speed.</param>
internal sealed record Residuals(IReadOnlyList<RowPredictor> Rows, bool Memory)
{
    public double[] Of(Calibration calibration) => [.. Rows.AsParallel().AsOrdered().Select(row => Of(row, calibration))];

    public double Of(RowPredictor row, Calibration calibration) => Memory
        ? Math.Log(row.Gib(calibration) / row.MeasuredGib)
        : Math.Log(row.Tokens(calibration) / row.MeasuredTokens);
}

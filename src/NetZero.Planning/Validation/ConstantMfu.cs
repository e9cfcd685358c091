namespace NetZero.Planning;

/// <summary>What predictions are compared with: every run of a device has the same MFU, the median of the rows given.</summary>
internal sealed class ConstantMfu
{
    private readonly Dictionary<string, double> _byDevice;

    private ConstantMfu(Dictionary<string, double> byDevice) => _byDevice = byDevice;

    public static ConstantMfu Of(IReadOnlyList<RowPredictor> rows) => new(rows
        .Where(row => row.Reason is null && row.MeasuredTokens > 0 && row.Row.IsTimeScored)
        .GroupBy(row => row.Device)
        .ToDictionary(group => group.Key, group => ErrorSummary.Median([.. group.Select(row => row.MeasuredMfu).Order()])));

    public double Tokens(RowPredictor row) => row.TokensAtMfu(_byDevice[row.Device]);
}

namespace NetZero.Planning;

/// <summary>One combination of a sweep, as figures show it.</summary>
/// <param name="Label">What it sets.</param>
/// <param name="PeakBytes">The peak of a rank.</param>
/// <param name="TokensPerSecond">Of all ranks.</param>
/// <param name="Fits">Whether the peak fits.</param>
/// <param name="IsPareto">Whether no other combination is at least as fast and holds at most as much.</param>
public sealed record SweepPoint(string Label, double PeakBytes, double TokensPerSecond, bool Fits, bool IsPareto)
{
    /// <summary>Marks the Pareto front.</summary>
    public static IReadOnlyList<SweepPoint> Of(IEnumerable<(string Label, double PeakBytes, double TokensPerSecond, bool Fits)> choices)
    {
        var all = choices.ToArray();
        return [.. all.Select(one => new SweepPoint(one.Label, one.PeakBytes, one.TokensPerSecond, one.Fits, !Array.Exists(all, other =>
            other.PeakBytes <= one.PeakBytes && other.TokensPerSecond >= one.TokensPerSecond
            && (other.PeakBytes < one.PeakBytes || other.TokensPerSecond > one.TokensPerSecond))))];
    }
}

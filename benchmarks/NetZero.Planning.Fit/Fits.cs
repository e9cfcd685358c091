namespace NetZero.Planning.Fit;

/// <summary>Fits time, then memory.</summary>
internal static class Fits
{
    public static Calibration Of(Calibration start, IReadOnlyList<RowPredictor> rows)
    {
        var timed = rows.Where(row => row.MeasuredTokens > 0 && row.Row.IsTimeScored).ToArray();
        var weighed = rows.Where(row => row.MeasuredGib > 0).ToArray();
        var fitted = Fit(start, timed, memory: false);
        return Fit(fitted, weighed, memory: true);
    }

    private static Calibration Fit(Calibration start, IReadOnlyList<RowPredictor> rows, bool memory)
    {
        // Constants that no row touches have their priors.
        var every = Coefficients.Of(start, start.Profiles.Select(p => p.Name).ToHashSet(), start.Devices.Keys.ToHashSet(), memory);
        foreach (var coefficient in every)
            start = coefficient.Set(start, coefficient.Prior);
        var touched = Coefficients.Of(start, rows.Select(row => row.ProfileName).ToHashSet(), rows.Select(row => row.Device).ToHashSet(), memory);
        return new LevenbergMarquardt(new Residuals(rows, memory), touched).Fit(start);
    }
}

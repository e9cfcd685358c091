namespace NetZero.Planning.Fit;

/// <summary>Fits time, then memory; each twice: what the systems of the first fit have in common is the prior of the second, and what systems without rows get.</summary>
/// <remarks>
/// A prior guessed beforehand decides how systems are predicted that have no rows. The mean of those that have rows is a better guess (empirical Bayes; B. Efron and
/// C. Morris 1975), shrunk towards the first one as if that were some systems more.
/// </remarks>
internal static class Fits
{
    // How many systems the first guess counts for.
    private const double GuessWeight = 2;

    public static Calibration Of(Calibration start, IReadOnlyList<RowPredictor> rows)
    {
        var timed = rows.Where(row => row.MeasuredTokens > 0 && row.Row.IsTimeScored).ToArray();
        var weighed = rows.Where(row => row.MeasuredGib > 0).ToArray();
        var fitted = Fit(start, timed, memory: false);
        return Fit(fitted, weighed, memory: true);
    }

    private static Calibration Fit(Calibration start, IReadOnlyList<RowPredictor> rows, bool memory)
    {
        var every = Coefficients.Of(start, start.Profiles.Select(p => p.Name).ToHashSet(), start.Devices.Keys.ToHashSet(), memory);
        var touched = Coefficients.Of(start, rows.Select(row => row.ProfileName).ToHashSet(), rows.Select(row => row.Device).ToHashSet(), memory)
            .Select(coefficient => coefficient.Name).ToHashSet();
        var first = Fit(start, rows, memory, every, touched);
        return Fit(start, rows, memory, [.. every.Select(coefficient => coefficient with { Prior = coefficient.Prior * Common(first, coefficient, every, touched) })], touched);
    }

    // Constants that no row touches have their priors.
    private static Calibration Fit(Calibration start, IReadOnlyList<RowPredictor> rows, bool memory, IReadOnlyList<Coefficient> every, HashSet<string> touched)
    {
        foreach (var coefficient in every)
            start = coefficient.Set(start, coefficient.Prior);
        return new LevenbergMarquardt(new Residuals(rows, memory), [.. every.Where(coefficient => touched.Contains(coefficient.Name))]).Fit(start);
    }

    // How far, as a factor, constants of one kind lie from their priors on average.
    private static double Common(Calibration fitted, Coefficient coefficient, IReadOnlyList<Coefficient> every, HashSet<string> touched)
    {
        var moves = every.Where(other => other.Kind == coefficient.Kind && touched.Contains(other.Name)).Select(other => Math.Log(other.Get(fitted) / other.Prior)).ToArray();
        return Math.Exp(moves.Sum() / (moves.Length + GuessWeight));
    }
}

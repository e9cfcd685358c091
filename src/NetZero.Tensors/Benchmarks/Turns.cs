using System.Diagnostics;

namespace NetZero.Tensors;

/// <summary>The best rate that something reaches within a window of time: billions of operations or bytes per second.</summary>
internal delegate double RateWithin(TimeSpan window);

/// <summary>Measures several things in turns, so that they see the same clock and the same neighbours on a shared machine.</summary>
/// <remarks>
/// In each round each has a window of the same length and counts by its best run in it: an interruption makes a run slower, nothing makes
/// one faster. The median over rounds is what is reported: one lucky moment does not decide.
/// </remarks>
internal static class Turns
{
    private const int Rounds = 5;

    /// <summary>The median rate of each, with about <paramref name="seconds"/> for each in all (a single run may take longer).</summary>
    /// <exception cref="ArgumentOutOfRangeException">No time.</exception>
    public static double[] Measure(double seconds, CancellationToken cancellation, params ReadOnlySpan<RateWithin> rates)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(seconds);
        var window = TimeSpan.FromSeconds(seconds / Rounds);
        var found = new double[rates.Length][];
        for (var i = 0; i < rates.Length; i++)
            found[i] = new double[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < rates.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                found[i][round] = rates[i](window);
            }
        }

        return Array.ConvertAll(found, Median);
    }

    /// <summary>The rate of a piece of work. It runs once now, so that it is compiled and its memory is there.</summary>
    /// <param name="amount">Billions of operations or bytes in one run.</param>
    /// <param name="run">The work.</param>
    public static RateWithin Of(double amount, Action run)
    {
        run();
        return window =>
        {
            var fastest = double.MaxValue;
            var start = Stopwatch.GetTimestamp();
            do
            {
                var before = Stopwatch.GetTimestamp();
                run();
                fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(before).TotalSeconds);
            }
            while (Stopwatch.GetElapsedTime(start) < window);
            return amount / fastest;
        };
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}

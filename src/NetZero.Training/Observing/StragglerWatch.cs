namespace NetZero.Training;

/// <summary>A rank that has been slower than the others for a while.</summary>
/// <param name="Step">The step in which that was found.</param>
/// <param name="Rank">The rank.</param>
/// <param name="Seconds">What it computed in that step: the step's time less its waits for others.</param>
/// <param name="OthersSeconds">The median of what the others computed.</param>
/// <param name="Steps">In how many steps, one after another, it was the slowest so clearly.</param>
public sealed record StragglerReport(int Step, int Rank, double Seconds, double OthersSeconds, int Steps)
{
    /// <summary>The report in one line.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"rank {Rank} is slow: it computed {1e3 * Seconds:0.#} ms in step {Step + 1}, the others {1e3 * OthersSeconds:0.#} ms, and so in each of the last {Steps} steps");
}

/// <summary>Finds ranks that hold the others up step after step.</summary>
internal sealed class StragglerWatch
{
    // A quarter above the others is more than ranks of one machine differ by chance, and ten steps in a row are no chance.
    private const double Clearly = 1.25;
    private const int Persistently = 10;

    // Below a millisecond it is the machine's other work that is measured.
    private const double LeastSeconds = 1e-3;

    private int _rank = -1;
    private int _steps;

    /// <summary>Looks at a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="seconds">Its time.</param>
    /// <param name="waits">How long each rank waited for others in it.</param>
    /// <returns>A report, once for each time that a rank begins to be slow; otherwise null.</returns>
    public StragglerReport? After(int step, double seconds, IReadOnlyList<double> waits)
    {
        if (waits.Count < 2)
            return null;
        var busy = waits.Select(wait => Math.Max(0, seconds - wait)).ToArray();
        var slowest = Array.IndexOf(busy, busy.Max());
        double[] others = [.. busy.Where((_, rank) => rank != slowest).Order()];
        var median = (others[(others.Length - 1) / 2] + others[others.Length / 2]) / 2;
        if (busy[slowest] < Clearly * median || busy[slowest] - median < LeastSeconds)
        {
            (_rank, _steps) = (-1, 0);
            return null;
        }

        if (slowest != _rank)
            (_rank, _steps) = (slowest, 0);
        return ++_steps == Persistently ? new StragglerReport(step, slowest, busy[slowest], median, Persistently) : null;
    }
}

namespace NetZero.Training;

/// <summary>How long the remaining steps will take, from those that were done.</summary>
public sealed class TimeLeftEstimate
{
    // A step's weight halves about every seven steps: steady to look at, and a machine that slows down shows within a dozen.
    private const double WeightOfTheLatest = 0.1;

    private double _stepSeconds = double.NaN;

    /// <summary>Takes a step into account.</summary>
    /// <param name="seconds">How long it took.</param>
    /// <param name="remaining">How many steps come after it.</param>
    /// <returns>How long those will take.</returns>
    public TimeSpan After(double seconds, int remaining)
    {
        _stepSeconds = double.IsNaN(_stepSeconds) ? seconds : _stepSeconds + WeightOfTheLatest * (seconds - _stepSeconds);
        return TimeSpan.FromSeconds(_stepSeconds * remaining);
    }
}

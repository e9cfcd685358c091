namespace NetZero.Planning;

/// <summary>What failures and checkpoints leave of a run's time.</summary>
/// <remarks>
/// With M seconds between failures of the whole run, C seconds that a checkpoint stalls it and R seconds to restart: J. W. Young, "A first order approximation to the
/// optimum checkpoint interval", 1974: sqrt(2 C M). J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", 2006, eq. 37 and 21.
/// </remarks>
/// <param name="FailureSeconds">M.</param>
/// <param name="CheckpointSeconds">C.</param>
/// <param name="RestartSeconds">R.</param>
public readonly record struct Goodput(double FailureSeconds, double CheckpointSeconds, double RestartSeconds)
{
    /// <summary>Failures and stalls of <paramref name="devices"/> devices that fail independently.</summary>
    public static Goodput OfDevices(int devices, double deviceHoursBetweenFailures, double checkpointSeconds, double restartSeconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(devices);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviceHoursBetweenFailures);
        return new Goodput(deviceHoursBetweenFailures * 3600 / devices, checkpointSeconds, restartSeconds);
    }

    /// <summary>Young's interval between checkpoints, in seconds.</summary>
    public double YoungSeconds => Math.Sqrt(2 * CheckpointSeconds * FailureSeconds);

    /// <summary>Daly's interval between checkpoints, in seconds; M where a checkpoint takes longer than half of that.</summary>
    public double DalySeconds
    {
        get
        {
            if (CheckpointSeconds >= FailureSeconds / 2)
                return FailureSeconds;
            var ratio = CheckpointSeconds / (2 * FailureSeconds);
            return YoungSeconds * (1 + Math.Sqrt(ratio) / 3 + ratio / 9) - CheckpointSeconds;
        }
    }

    /// <summary>The share of wall time that ends in kept steps with a checkpoint every <paramref name="intervalSeconds"/> of work.</summary>
    public double Share(double intervalSeconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(intervalSeconds);

        // Daly's complete model: wall time = M e^(R/M) (e^((t + C)/M) - 1) for each interval t.
        var wall = FailureSeconds * Math.Exp(RestartSeconds / FailureSeconds)
            * (Math.Exp((intervalSeconds + CheckpointSeconds) / FailureSeconds) - 1);
        return intervalSeconds / wall;
    }
}

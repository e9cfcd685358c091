using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>Predicts one published row; keeps its schedule, so that a row can be predicted again with other constants.</summary>
public sealed class RowPredictor
{
    private readonly PublishedRow _row;
    private readonly PublishedWorkload? _published;
    private readonly Dictionary<int, StepSchedule> _schedules = [];
    private readonly string? _reason;

    /// <summary>Reads a row; one that gives too little has a <see cref="Reason"/> instead of predictions.</summary>
    public RowPredictor(PublishedRow row, Calibration calibration)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(calibration);
        _row = row;
        try
        {
            _published = PublishedWorkload.Of(row, calibration);

            // What the device lacks, nothing can be predicted of.
            _published.Cluster.Device.Peak(_published.Run.Dtype);
            MeasuredTokens = PublishedSpeed.Of(row, _published.Run, _published.Cluster);
            MeasuredGib = row.Measured("peak_mem_gib");
        }
        catch (ArgumentException problem)
        {
            _reason = problem.Message;
        }
    }

    /// <summary>The row.</summary>
    public PublishedRow Row => _row;

    /// <summary>Why the row cannot be predicted; null where it can.</summary>
    public string? Reason => _reason;

    /// <summary>The device's name in the presets.</summary>
    public string Device => _published?.Cluster.Device.Name ?? _row.Device;

    /// <summary>The name of the profile that predicts it.</summary>
    public string ProfileName => _published?.Profile.Name ?? "";

    /// <summary>Measured tokens per second and device; 0 where there are none.</summary>
    public double MeasuredTokens { get; }

    /// <summary>Measured memory; 0 where there is none.</summary>
    public double MeasuredGib { get; }

    /// <summary>Measured model FLOP/s over the device's nominal bf16 FLOP/s.</summary>
    public double MeasuredMfu => MeasuredTokens * Flops / Peak;

    /// <summary>What was assumed.</summary>
    public IReadOnlyList<string> Assumed => _published?.Assumed ?? [];

    /// <summary>Tokens per second and device by a constant MFU.</summary>
    public double TokensAtMfu(double mfu) => mfu * Peak / Flops;

    /// <summary>Predicted tokens per second and device.</summary>
    public double Tokens(Calibration calibration)
    {
        var published = _published ?? throw new InvalidOperationException($"Row {_row.Id} cannot be predicted: {_reason}");
        var profile = calibration.Profile(published.Profile.Name);
        return new TimePredictor(calibration).Predict(published.Run, published.Cluster, profile, Schedule).TokensPerSecondPerDevice;
    }

    /// <summary>Predicted peak in GiB, in the row's counter.</summary>
    public double Gib(Calibration calibration)
    {
        var published = _published ?? throw new InvalidOperationException($"Row {_row.Id} cannot be predicted: {_reason}");
        var profile = calibration.Profile(published.Profile.Name);
        var bytes = MemoryPredictor.Predict(published.Run, profile).Total;
        return bytes * (_row.Counter == MemoryCounter.Allocated ? 1 : profile.Reserved) / (1L << 30);
    }

    private double Flops => _published!.Run.Model.FlopsPerToken(_published.Run.Sequence);

    private double Peak => _published!.Cluster.Device.WidePeak;

    private StepSchedule Schedule(int microBatches)
    {
        if (!_schedules.TryGetValue(microBatches, out var schedule))
            _schedules[microBatches] = schedule = DeclaredSchedule.Of(_published!.Run, microBatches);
        return schedule;
    }
}

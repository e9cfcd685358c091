using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>What some units do otherwise than the policy says.</summary>
/// <param name="Units">Their names, as a <see cref="NamePattern"/>; <c>root</c> is the unit of what lies in no block.</param>
public sealed record UnitOverride(string Units)
{
    /// <summary>Another stage, 0 to 3; null leaves the policy's.</summary>
    public int? Stage
    {
        get;
        init => field = value is null or (>= 0 and <= 3)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"ZeRO stage {value} does not exist; stages are 0, 1, 2 and 3.");
    }

    /// <summary>Something else between forward and backward; null leaves the policy's.</summary>
    public ReshardAfterForward? ReshardAfterForward { get; init; }
}

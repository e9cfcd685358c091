namespace NetZero.Planning;

/// <summary>What a device's data passes through on its way to another device: links inside a node, or its share of the network.</summary>
public sealed record LinkDescription
{
    /// <summary>Where the figures come from.</summary>
    public required string Origin { get; init; }

    /// <summary>Nominal bytes per second of one device in one direction.</summary>
    public required double BytesPerSecond { get; init; }

    /// <summary>Seconds of one hop of a collective: launch, synchronisation and wire.</summary>
    public required double HopSeconds { get; init; }

    /// <summary>How many times more bandwidth the leaves of a network have than its spine; 1 is a full fat tree, or none.</summary>
    public required double Oversubscription { get; init; }

    /// <summary>Whether switches add numbers up themselves (NVLink SHARP): an all-reduce then moves its bytes once.</summary>
    public bool ReducesInSwitch { get; init; }
}

using System.Text.Json.Serialization;

namespace NetZero.Planning;

/// <summary>Machines to train on: equal nodes of equal devices, with links inside a node and a network between nodes.</summary>
public sealed record ClusterDescription
{
    /// <summary>The schema that a file names for editors, <c>docs/cluster.schema.json</c>.</summary>
    [JsonPropertyName("$schema")]
    public string? Schema { get; init; }

    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>The device.</summary>
    public required DeviceDescription Device { get; init; }

    /// <summary>Devices of one node.</summary>
    public required int DevicesPerNode { get; init; }

    /// <summary>The links inside a node.</summary>
    public required LinkDescription Inside { get; init; }

    /// <summary>The network between nodes, for one device.</summary>
    public required LinkDescription Network { get; init; }

    /// <summary>Bytes per second between a device and its host's memory, in one direction; where offloaded state passes.</summary>
    public double HostBytesPerSecond { get; init; }

    /// <summary>Mean hours between failures of one device and its share of the node; 0 leaves failures out.</summary>
    public double DeviceHoursBetweenFailures { get; init; }
}

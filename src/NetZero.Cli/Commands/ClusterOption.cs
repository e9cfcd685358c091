using System.CommandLine;
using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>--cluster</c>: the machines of a plan, by name, from a file, or this one.</summary>
internal sealed class ClusterOption(MeasureMachine measure)
{
    // What most published runs of the size that a named model has are trained on.
    private const string DefaultForModels = "h100x8";

    /// <summary>The option.</summary>
    public Option<string?> Option { get; } = new("--cluster")
    {
        Description = $"Machines: a preset such as h100x8, a JSON file, or '{MachineBenchmark.Name}' one, which is measured in a few seconds. "
            + $"['{MachineBenchmark.Name}' for a configuration, {DefaultForModels} for a named model]",
        HelpName = "NAME|FILE",
    };

    /// <summary><c>--network</c>: what connects the nodes instead.</summary>
    public Option<string?> Network { get; } = new("--network")
    {
        Description = "The network between nodes instead of the cluster's own, a port of it for each device: such as infiniband-ndr or ethernet-100g.",
        HelpName = "NAME",
    };

    /// <summary>Both.</summary>
    public IReadOnlyList<Option> All => [Option, Network];

    /// <summary>The machines for a named model.</summary>
    public ClusterDescription ForModel(ParseResult parsed) => Connected(parsed, ClusterCatalog.Find(parsed.GetValue(Option) ?? DefaultForModels));

    /// <summary>The machines for a run of <paramref name="ranks"/> ranks of <paramref name="threads"/> threads.</summary>
    public async Task<ClusterDescription> ForRunAsync(ParseResult parsed, int ranks, int threads, CancellationToken cancellation)
    {
        var name = parsed.GetValue(Option) ?? MachineBenchmark.Name;
        if (name == MachineBenchmark.Name)
            Given.Refuse(parsed, [Network], "this machine");

        // More ranks than cores take turns, which is computed, not measured.
        return name == MachineBenchmark.Name
            ? await measure([(Math.Clamp(Environment.ProcessorCount / threads, 1, ranks), threads)], cancellation)
            : Connected(parsed, ClusterCatalog.Find(name));
    }

    private ClusterDescription Connected(ParseResult parsed, ClusterDescription machines)
    {
        if (parsed.GetValue(Network) is not { } network)
            return machines;
        return machines.Device.IsHost
            ? throw new ConfigurationException("--network connects nodes, and a plan of a host's cores has one; leave it out, or name a cluster of accelerators")
            : machines with { Network = NetworkCatalog.Find(network) };
    }
}

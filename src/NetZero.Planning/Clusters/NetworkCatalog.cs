namespace NetZero.Planning;

/// <summary>Generations of InfiniBand and Ethernet by name, one port a device: what a plan may put in the place of a cluster's own network.</summary>
public static class NetworkCatalog
{
    private const double BytesPerGigabit = 1e9 / 8;

    // A hop of a collective between nodes, launch and synchronisation included: as in the presets of clusters, which have it from measured all-reduces.
    private const double RemoteMemoryHopSeconds = 12e-6;

    // Through the kernel's TCP a message takes some tens of microseconds. Assumed, for want of a measurement.
    private const double TcpHopSeconds = 30e-6;

    // InfiniBand Trade Association, roadmap, 4 lanes: signalling rate and what the encoding leaves of it (64b/66b from FDR on). IEEE 802.3ba, by, bs, df.
    private static readonly Dictionary<string, LinkDescription> _byName = new(StringComparer.OrdinalIgnoreCase)
    {
        ["infiniband-qdr"] = Link("InfiniBand QDR, 40 Gb/s, 8b/10b", 32, RemoteMemoryHopSeconds),
        ["infiniband-fdr"] = Link("InfiniBand FDR, 56 Gb/s, 64b/66b", 54.3, RemoteMemoryHopSeconds),
        ["infiniband-edr"] = Link("InfiniBand EDR, 100 Gb/s", 100, RemoteMemoryHopSeconds),
        ["infiniband-hdr"] = Link("InfiniBand HDR, 200 Gb/s", 200, RemoteMemoryHopSeconds),
        ["infiniband-ndr"] = Link("InfiniBand NDR, 400 Gb/s", 400, RemoteMemoryHopSeconds),
        ["infiniband-xdr"] = Link("InfiniBand XDR, 800 Gb/s", 800, RemoteMemoryHopSeconds),
        ["ethernet-1g"] = Link("1 Gb/s Ethernet, TCP", 1, TcpHopSeconds),
        ["ethernet-10g"] = Link("10 Gb/s Ethernet, TCP", 10, TcpHopSeconds),
        ["ethernet-25g"] = Link("25 Gb/s Ethernet, TCP", 25, TcpHopSeconds),
        ["ethernet-100g"] = Link("100 Gb/s Ethernet, RoCE", 100, RemoteMemoryHopSeconds),
        ["ethernet-200g"] = Link("200 Gb/s Ethernet, RoCE", 200, RemoteMemoryHopSeconds),
        ["ethernet-400g"] = Link("400 Gb/s Ethernet, RoCE", 400, RemoteMemoryHopSeconds),
        ["ethernet-800g"] = Link("800 Gb/s Ethernet, RoCE", 800, RemoteMemoryHopSeconds),
    };

    /// <summary>The names.</summary>
    public static IReadOnlyCollection<string> Names => _byName.Keys;

    /// <summary>The network of that name, whatever its case.</summary>
    /// <exception cref="ArgumentException">No such network; the nearest name is given.</exception>
    public static LinkDescription Find(string name) =>
        _byName.TryGetValue(name, out var link) ? link : throw new ArgumentException(UnknownName.Message("network", name, _byName.Keys));

    private static LinkDescription Link(string origin, double gigabits, double hopSeconds) =>
        new() { Origin = origin, BytesPerSecond = gigabits * BytesPerGigabit, HopSeconds = hopSeconds, Oversubscription = 1 };
}

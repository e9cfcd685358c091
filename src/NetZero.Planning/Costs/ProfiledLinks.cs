namespace NetZero.Planning;

/// <summary>The links of a cluster as one system uses them.</summary>
internal static class ProfiledLinks
{
    public static CollectiveTime Of(ClusterDescription cluster, ImplementationProfile profile) =>
        new(cluster, profile.Bandwidth, profile.NetworkBandwidth, profile.Hop);
}

namespace NetZero.Planning;

/// <summary>Clusters known by name, and files that describe others.</summary>
public static class ClusterCatalog
{
    private const string Prefix = "NetZero.Planning.Clusters.";
    private const string Extension = ".json";

    /// <summary>The names of the presets.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(ClusterCatalog).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Extension, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^Extension.Length])
            .Order(StringComparer.Ordinal)];

    /// <summary>The text of a file that describes a cluster.</summary>
    public static string ToJson(ClusterDescription cluster) => ClusterFile.Write(cluster);

    /// <summary>A preset by name, or the description in a file.</summary>
    /// <param name="nameOrPath">A preset's name, whatever its case, or a path that ends in <c>.json</c>.</param>
    /// <exception cref="ArgumentException">No such preset (the nearest name is given), or a file that does not describe a cluster.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ClusterDescription Find(string nameOrPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        if (nameOrPath.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
            return ClusterFile.Read(File.ReadAllText(nameOrPath), nameOrPath);
        var name = Names.FirstOrDefault(known => known.Equals(nameOrPath, StringComparison.OrdinalIgnoreCase))
            ?? throw new ArgumentException(UnknownName.Message("cluster", nameOrPath, Names));
        using var stream = typeof(ClusterCatalog).Assembly.GetManifestResourceStream(Prefix + name + Extension)!;
        using var reader = new StreamReader(stream);
        return ClusterFile.Read(reader.ReadToEnd(), name);
    }
}

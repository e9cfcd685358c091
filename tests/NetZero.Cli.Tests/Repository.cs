namespace NetZero.Cli.Tests;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its root.</summary>
    public static string Root { get; } = Find();

    /// <summary>A file or folder of it.</summary>
    public static string At(string path) => Path.Combine(Root, path);

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "NetZero.slnx")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"No NetZero.slnx above {AppContext.BaseDirectory}.");
        return folder.FullName;
    }
}

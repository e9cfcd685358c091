namespace NetZero.Training;

/// <summary>The folder that a run writes to. It is checked before anything is allocated and first written to when the run starts.</summary>
public sealed class RunFolder
{
    /// <summary>The merged configuration.</summary>
    public const string ConfigurationFile = "config.json";

    /// <summary>One line a step.</summary>
    public const string MetricsFile = "metrics.jsonl";

    /// <summary>Peak and steady bytes of each rank.</summary>
    public const string MemoryFile = "memory.json";

    /// <summary>The timeline, when asked for.</summary>
    public const string TraceFile = "trace.json";

    /// <summary>The trained model in Hugging Face's layout.</summary>
    public const string ModelFolder = "model";

    private RunFolder(string path) => FullPath = path;

    /// <summary>The folder.</summary>
    public string FullPath { get; }

    /// <summary>Where the metrics go.</summary>
    public string MetricsPath => Path.Combine(FullPath, MetricsFile);

    /// <summary>Where the memory report goes.</summary>
    public string MemoryPath => Path.Combine(FullPath, MemoryFile);

    /// <summary>Where the trace goes.</summary>
    public string TracePath => Path.Combine(FullPath, TraceFile);

    /// <summary>Where the model goes.</summary>
    public string ModelPath => Path.Combine(FullPath, ModelFolder);

    /// <summary>Whether a folder holds a run, finished or not.</summary>
    public static bool HoldsRun(string path) => File.Exists(Path.Combine(path, MetricsFile));

    /// <summary>A folder under <c>runs/</c> that holds no run yet: <c>runs/name</c>, <c>runs/name-2</c>, ...</summary>
    public static string NewPath(string name)
    {
        var path = Path.Combine("runs", name);
        for (var i = 2; Directory.Exists(path) || File.Exists(path); i++)
            path = Path.Combine("runs", $"{name}-{i}");
        return path;
    }

    /// <summary>Makes sure that a run can be written to <paramref name="path"/>, and leaves everything as it is.</summary>
    /// <exception cref="ConfigurationException">It holds a run that is not to be overwritten, or cannot be written to.</exception>
    public static RunFolder Check(string path, bool overwrite)
    {
        var full = Path.GetFullPath(path);
        if (HoldsRun(full) && !overwrite)
        {
            throw new ConfigurationException(
                $"output folder '{path}' already holds a run; choose another with --output, or replace it with --overwrite");
        }
        try
        {
            ProbeNearestFolder(full);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"output folder '{path}' is not writable: {e.Message}", e);
        }
        return new RunFolder(full);
    }

    /// <summary>Like <see cref="Check(string, bool)"/> for the folder that a configuration names, or for a new one under <c>runs/</c>.</summary>
    /// <exception cref="ConfigurationException">It holds a run that is not to be overwritten, or cannot be written to.</exception>
    public static RunFolder Check(RunConfiguration configuration, bool overwrite) =>
        Check(configuration.OutputDirectory ?? NewPath("run"), overwrite);

    /// <summary>Starts the run's files: makes the folder, removes the files of a run that is overwritten, writes the configuration.</summary>
    /// <exception cref="ConfigurationException">The folder cannot be written to after all.</exception>
    public void Begin(RunConfiguration configuration)
    {
        try
        {
            Directory.CreateDirectory(FullPath);
            // Only what a run wrote goes; whatever else somebody keeps here stays.
            foreach (var file in (ReadOnlySpan<string>)[MetricsFile, MemoryFile, TraceFile, ConfigurationFile])
                File.Delete(Path.Combine(FullPath, file));
            if (Directory.Exists(ModelPath))
                Directory.Delete(ModelPath, recursive: true);
            File.WriteAllBytes(Path.Combine(FullPath, ConfigurationFile), configuration.ToJson());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"output folder '{FullPath}' is not writable: {e.Message}", e);
        }
    }

    // A file that is made and goes away at once is the only test that holds on every system: permissions alone do not tell.
    private static void ProbeNearestFolder(string full)
    {
        var folder = full;
        while (!Directory.Exists(folder))
        {
            if (File.Exists(folder))
                throw new IOException($"'{folder}' is a file");
            folder = Path.GetDirectoryName(folder) ?? throw new IOException("there is no such drive");
        }
        var probe = Path.Combine(folder, $".netzero-{Guid.NewGuid():N}");
        try
        {
            using var stream = new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"no file can be made in '{folder}'", e);
        }
    }
}

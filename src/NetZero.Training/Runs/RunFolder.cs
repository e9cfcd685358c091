using System.Text.Json;
using NetZero.Checkpoints;

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

    /// <summary>The trained adapters in PEFT's layout, where adapters are trained.</summary>
    public const string AdapterFolder = "adapter";

    /// <summary>The checkpoints, when asked for.</summary>
    public const string CheckpointsFolder = CheckpointLocation.FolderName;

    private const string TemporaryConfigurationFile = ConfigurationFile + ".tmp";

    private const string WeightsFile = "model.safetensors";
    private const string AdapterWeightsFile = "adapter_model.safetensors";

    private static readonly string[] Names = [ConfigurationFile, MetricsFile, MemoryFile, TraceFile, ModelFolder, AdapterFolder, CheckpointsFolder];

    // The folders of results: the file whose presence says that they are complete, and what else a run writes there.
    private static readonly (string Folder, string Weights, string[] Others)[] ResultFolders =
    [
        (ModelFolder, WeightsFile, [HuggingFaceGpt2Config.FileName, Tokenizers.FileName]),
        (AdapterFolder, AdapterWeightsFile, [AdapterConfig.FileName]),
    ];

    private RunFolder(string path) => FullPath = path;

    /// <summary>The folder.</summary>
    public string FullPath { get; }

    /// <summary>Where the merged configuration goes.</summary>
    private string ConfigurationPath => Path.Combine(FullPath, ConfigurationFile);

    /// <summary>Where the metrics go.</summary>
    public string MetricsPath => Path.Combine(FullPath, MetricsFile);

    /// <summary>Where the memory report goes.</summary>
    public string MemoryPath => Path.Combine(FullPath, MemoryFile);

    /// <summary>Where the trace goes.</summary>
    public string TracePath => Path.Combine(FullPath, TraceFile);

    /// <summary>Where the model goes.</summary>
    public string ModelPath => Path.Combine(FullPath, ModelFolder);

    /// <summary>Where the adapters go.</summary>
    public string AdapterPath => Path.Combine(FullPath, AdapterFolder);

    /// <summary>Where checkpoints go.</summary>
    public string CheckpointsPath => Path.Combine(FullPath, CheckpointsFolder);

    /// <summary>The folders of results that are complete, by name: a model that lacks its weights is none.</summary>
    internal IEnumerable<string> Results() => ResultFolders.Where(r => File.Exists(Path.Combine(FullPath, r.Folder, r.Weights))).Select(r => r.Folder);

    /// <summary>Whether a folder holds a run, finished or not: metrics, beside the configuration of a run. Either alone may be somebody else's.</summary>
    public static bool HoldsRun(string path) =>
        File.Exists(Path.Combine(path, MetricsFile))
        && (IsRunConfiguration(Path.Combine(path, ConfigurationFile)) || IsRunConfiguration(Path.Combine(path, TemporaryConfigurationFile)));

    /// <summary>A folder under <c>runs/</c> that holds no run yet: <c>runs/name</c>, <c>runs/name-2</c>, ...</summary>
    public static string NewPath(string name)
    {
        var path = Path.Combine("runs", name);
        for (var i = 2; Directory.Exists(path) || File.Exists(path); i++)
            path = Path.Combine("runs", $"{name}-{i}");
        return path;
    }

    /// <summary>Makes sure that a run can be written to <paramref name="path"/>, and leaves everything as it is.</summary>
    /// <exception cref="ConfigurationException">
    /// It holds a run that is not to be overwritten, or files of somebody else with names that a run writes, or cannot be written to.
    /// </exception>
    public static RunFolder Check(string path, bool overwrite)
    {
        var full = Path.GetFullPath(path);
        ThrowIfTaken(path, full, overwrite);
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
    /// <exception cref="ConfigurationException">As there, or the run starts from a model inside of that folder.</exception>
    public static RunFolder Check(RunConfiguration configuration, bool overwrite)
    {
        var path = configuration.OutputDirectory ?? NewPath("run");
        if (configuration.InitFrom is { } start && IsInside(Path.GetFullPath(start), Path.GetFullPath(path)))
        {
            throw new ConfigurationException(
                $"'init_from' '{start}' lies in the output folder '{path}', which the run writes to; choose another with --output");
        }
        return Check(path, overwrite);
    }

    /// <summary>Like <see cref="Check(RunConfiguration, bool)"/>, for a run that may go on with what the folder holds.</summary>
    /// <exception cref="ConfigurationException">As there, or what <see cref="TrainingOptions.Resume"/> names is not there, or the store does not answer.</exception>
    /// <exception cref="CheckpointException">The checkpoint that it names is damaged.</exception>
    public static RunFolder Check(RunConfiguration configuration, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var stores = RunStores.Of(configuration, options);
        return Check(configuration, options, options.ResumePlan(configuration, stores), stores);
    }

    internal static RunFolder Check(RunConfiguration configuration, TrainingOptions options, ResumePlan? plan, RunStores stores)
    {
        if (plan is { InPlace: true } && options.Overwrite)
            throw new ConfigurationException("--resume goes on with the run that --overwrite would replace; leave one of them out");
        var folder = Check(configuration, options.Overwrite || plan is { InPlace: true });
        if (plan is { InPlace: true, Candidates.Count: 0 } && folder.Results().Any())
        {
            throw new ConfigurationException(
                $"--resume: '{folder.FullPath}' holds a finished run without checkpoints, so there is nothing to go on from; replace it with --overwrite, or choose another with --output");
        }
        stores.Check(plan, options.Overwrite);
        return folder;
    }

    /// <summary>Where a run goes that names no folder: a new one under <c>runs/</c>, or the one that it goes on with.</summary>
    /// <param name="name">The run's name.</param>
    /// <param name="resume"><see cref="TrainingOptions.Resume"/>.</param>
    public static string PathFor(string name, string? resume)
    {
        if (resume is null)
            return NewPath(name);
        if (resume != ResumePlan.Auto)
            return ResumePlan.RunOf(resume) ?? NewPath(name);
        string? newest = null;
        for (var i = 1; ; i++)
        {
            var path = Path.Combine("runs", i == 1 ? name : $"{name}-{i}");
            if (!Path.Exists(path))
                return newest ?? path;
            newest = HoldsRun(path) ? path : newest;
        }
    }

    /// <summary>The folder as a rank knows it whose files another process writes.</summary>
    internal static RunFolder OfAnotherRank(RunConfiguration configuration) => new(PathOf(configuration));

    /// <summary>The folder that a configuration names, or a new one under <c>runs/</c>, in full.</summary>
    internal static string PathOf(RunConfiguration configuration) => Path.GetFullPath(configuration.OutputDirectory ?? NewPath("run"));

    /// <summary>Starts the run's files: makes the folder, removes the files of a run that is overwritten, writes the configuration.</summary>
    /// <param name="configuration">The run's.</param>
    /// <param name="store">Where checkpoints of the run that is overwritten are to go too; null for nowhere.</param>
    /// <exception cref="ConfigurationException">The folder cannot be written to after all.</exception>
    /// <exception cref="IOException">The store does not answer, or refuses.</exception>
    public void Begin(RunConfiguration configuration, ICheckpointStore? store = null)
    {
        try
        {
            Directory.CreateDirectory(FullPath);
            // Once more: the folder may have been filled since it was checked, and what is not a run's is never deleted.
            ThrowIfTaken(FullPath, FullPath, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(e);
        }

        // Before the folder, whose run is the older one until its files have gone: what the store holds belongs to it.
        foreach (var step in store?.Steps().Reverse() ?? [])
            store!.Remove(step);
        try
        {
            foreach (var _ in Replacing(configuration))
            {
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(e);
        }
    }

    /// <summary>Takes a new run's place for it, a change of the file system each time that the next is asked for.</summary>
    /// <remarks>
    /// Note: killed while it begins. Metrics beside the configuration of a run are what tells a run's folder from somebody else's, so at
    /// every instant both are there, or neither. And
    /// as long as the older run's newest checkpoint is there, its metrics and configuration are too: whoever asks to go on goes on with
    /// that run, as if nothing had been asked for.
    /// </remarks>
    /// <returns>What was changed.</returns>
    internal IEnumerable<string> Replacing(RunConfiguration configuration)
    {
        // A run that was killed while it began has the temporary one alone.
        if (File.Exists(MetricsPath) && !IsRunConfiguration(ConfigurationPath))
        {
            TakeTemporaryConfiguration();
            yield return ConfigurationPath;
        }

        // A run that is complete has no use for its checkpoints, one that lacks these and has results could not go on: results go first,
        // and weights before what describes them.
        foreach (var (name, weights, others) in ResultFolders)
        {
            var folder = Path.Combine(FullPath, name);
            if (!Directory.Exists(folder))
                continue;
            foreach (var file in (string[])[weights, .. others])
            {
                File.Delete(Path.Combine(folder, file));
                yield return Path.Combine(folder, file);
            }

            if (!Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
            yield return folder;
        }

        foreach (var file in (string[])[MemoryFile, TraceFile])
        {
            File.Delete(Path.Combine(FullPath, file));
            yield return file;
        }

        foreach (var removed in new CheckpointFolder(CheckpointsPath).Clearing())
            yield return removed;
        if (new ReplacementMark(FullPath).Remove())
            yield return FullPath;
        WriteTemporaryConfiguration(configuration);
        yield return TemporaryConfigurationFile;
        File.WriteAllBytes(MetricsPath, []);
        yield return MetricsPath;
        TakeTemporaryConfiguration();
    }

    /// <summary>Goes on with a run that the folder holds: its configuration is replaced by the one it goes on with, and nothing else is touched.</summary>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    internal void Continue(RunConfiguration configuration)
    {
        // The run's checkpoints may have come from its store, to a machine that has not seen it before.
        Directory.CreateDirectory(FullPath);
        new ReplacementMark(FullPath).Remove();
        WriteTemporaryConfiguration(configuration);
        TakeTemporaryConfiguration();
    }

    private void WriteTemporaryConfiguration(RunConfiguration configuration)
    {
        using var file = File.OpenHandle(Path.Combine(FullPath, TemporaryConfigurationFile), FileMode.Create, FileAccess.Write);
        RandomAccess.Write(file, configuration.ToJson(), 0);
        RandomAccess.FlushToDisk(file);
    }

    // The configuration is whole at any moment, the earlier one or this.
    private void TakeTemporaryConfiguration() =>
        File.Move(Path.Combine(FullPath, TemporaryConfigurationFile), ConfigurationPath, overwrite: true);

    private static void ThrowIfTaken(string path, string full, bool overwrite)
    {
        var taken = new List<string>();
        foreach (var name in Names)
        {
            if (Path.Exists(Path.Combine(full, name)))
                taken.Add(name);
        }
        if (taken.Count == 0)
            return;
        if (!HoldsRun(full))
        {
            throw new ConfigurationException(
                $"output folder '{path}' holds {string.Join(", ", taken)}, but not as a run of NetZero wrote it, and a run would replace it; "
                + "choose another with --output");
        }
        if (!overwrite)
        {
            throw new ConfigurationException(
                $"output folder '{path}' already holds a run; choose another with --output, or replace it with --overwrite");
        }
    }

    // Models and other tools have files of this name too. What every run's has, and no model's: the batch and what is sharded.
    private static bool IsRunConfiguration(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), ConfigurationReader.Json);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("train_batch_size", out _) && json.RootElement.TryGetProperty("zero_optimization", out _);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsInside(string path, string folder)
    {
        var relative = Path.GetRelativePath(folder, path);
        return !Path.IsPathRooted(relative) && relative != ".." && !relative.StartsWith(".." + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private ConfigurationException NotWritable(Exception e) => new($"output folder '{FullPath}' is not writable: {e.Message}", e);

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

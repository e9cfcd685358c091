using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>Opens what a path names in an object store.</summary>
/// <param name="path">A place with checkpoints, or one checkpoint there, such as <c>s3://BUCKET/PREFIX/step-000123</c>.</param>
/// <returns>The place, and the step if one was named; the caller disposes the place.</returns>
/// <exception cref="FormatException">There are no such stores.</exception>
public delegate (ICheckpointStore Store, long? Step) OpenCheckpointStore(string path);

/// <summary>The object stores of a run: the one that its checkpoints are sent to, and the one that it goes on from.</summary>
internal sealed class RunStores : IDisposable
{
    private readonly OpenCheckpointStore? _open;
    private readonly List<ICheckpointStore> _opened = [];

    private RunStores(OpenCheckpointStore? open) => _open = open;

    /// <summary>Where the run's checkpoints are sent; null for nowhere.</summary>
    public ICheckpointStore? Own { get; private set; }

    /// <summary>Opens the store that a configuration names; nothing is asked of it yet.</summary>
    /// <exception cref="ConfigurationException">There are no such stores.</exception>
    public static RunStores Of(RunConfiguration run, TrainingOptions options)
    {
        var stores = new RunStores(options.Stores);
        if (run.Checkpoints.Store is not { } path)
            return stores;
        var (store, step) = stores.Open("'checkpoint.store'", path);
        stores.Own = step is null ? store : throw new ConfigurationException($"'checkpoint.store' is '{path}', which is one checkpoint; name the place around it");
        return stores;
    }

    /// <summary>Whether a path names a place in a store.</summary>
    public static bool IsIn(string path) => path.Contains("://", StringComparison.Ordinal);

    /// <summary>Opens a path.</summary>
    /// <param name="key">What it is the value of.</param>
    /// <param name="path">The path.</param>
    /// <exception cref="ConfigurationException">There are no such stores.</exception>
    public (ICheckpointStore Store, long? Step) Open(string key, string path)
    {
        if (_open is null)
            throw new ConfigurationException($"{key} is '{path}', but this program opens no stores; set TrainingOptions.Stores to S3CheckpointStore.Open of NetZero.Stores");
        try
        {
            var opened = _open(path);
            _opened.Add(opened.Store);
            return opened;
        }
        catch (FormatException e)
        {
            throw new ConfigurationException($"{key}: {e.Message}", e);
        }
    }

    /// <summary>Makes sure that the run's store answers, and that what is there is the run's, or is to be replaced.</summary>
    /// <exception cref="ConfigurationException">It does not, or it is not.</exception>
    public void Check(ResumePlan? plan, bool overwrite)
    {
        if (Own is null)
            return;
        try
        {
            if (Own.Steps() is [var newest, ..] && plan is not { InStore: true } && !overwrite)
            {
                throw new ConfigurationException(
                    $"'checkpoint.store' {Own.FullPath} already holds checkpoints, up to step {newest}; go on from them with --resume, name another place, or replace them with --overwrite");
            }
        }
        catch (IOException e)
        {
            throw new ConfigurationException($"'checkpoint.store': {e.Message}", e);
        }
    }

    public void Dispose()
    {
        foreach (var store in _opened)
            store.Dispose();
    }
}

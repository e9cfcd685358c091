using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>The files of a run: begun anew, or gone on with, before the first step; rank 0 writes them for all.</summary>
/// <param name="folder">Where they are.</param>
/// <param name="store">Where the run's checkpoints are sent, if they are.</param>
/// <param name="trace">Whether a trace is among them.</param>
/// <param name="observer">Told once when the metrics cannot be written; training goes on.</param>
/// <param name="writes">False on ranks whose files another process writes.</param>
internal sealed class RunFiles(RunFolder folder, ICheckpointStore? store, bool trace, ITrainingObserver observer, bool writes) : IDisposable
{
    private MetricsWriter? _metrics;
    private bool _metricsFailed;

    /// <summary>The trace, if there is one and the files are open.</summary>
    public TraceWriter? Trace { get; private set; }

    public string ModelPath => folder.ModelPath;

    public string AdapterPath => folder.AdapterPath;

    public string CheckpointsPath => folder.CheckpointsPath;

    /// <summary>Begins the files of a new run; an older run's go.</summary>
    /// <param name="run">The run.</param>
    /// <param name="storeGoesOn">Whether what its store holds is the run's.</param>
    /// <exception cref="ConfigurationException">The folder cannot be written to after all.</exception>
    /// <exception cref="IOException">The store does not answer, or refuses.</exception>
    public void Begin(RunConfiguration run, bool storeGoesOn = false)
    {
        if (!writes)
            return;
        folder.Begin(run, storeGoesOn ? null : store);
        Open(keepBytes: 0);
    }

    /// <summary>Goes on with a run after <paramref name="step"/> steps: what its files say of later ones goes, and its later checkpoints are set aside.</summary>
    /// <param name="run">The run.</param>
    /// <param name="step">The steps.</param>
    /// <param name="fromStore">Whether that checkpoint is the store's: the folder's of the same step, if there is one, is damaged.</param>
    /// <returns>What the files say of the steps before.</returns>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    public EarlierSteps Continue(RunConfiguration run, long step, bool fromStore)
    {
        if (!writes)
            return EarlierSteps.None;
        var earlier = MetricsReader.Before(folder.MetricsPath, step);
        folder.Continue(run);
        var checkpoints = new CheckpointFolder(CheckpointsPath);
        foreach (var later in checkpoints.Steps().Where(s => s > step || (fromStore && s == step)))
            checkpoints.SetAside(later);
        Open(earlier.Bytes);
        return earlier;
    }

    /// <summary>Sets the later checkpoints of the run's store aside, as <see cref="Continue"/> does those of its folder.</summary>
    /// <exception cref="IOException">The store does not answer, or refuses.</exception>
    public void SetAsideInStore(long step)
    {
        foreach (var later in writes ? store?.Steps().Where(s => s > step) ?? [] : [])
            store!.SetAside(later);
    }

    public void Write(StepMetrics metrics) => TryMetrics(() => _metrics?.Write(metrics));

    /// <summary>Makes the metrics durable: what a checkpoint is of, they tell of.</summary>
    public void FlushMetrics() => TryMetrics(() => _metrics?.FlushToDisk());

    public void WriteMemory(IReadOnlyList<RankMemory> memory)
    {
        if (_metrics is not null && memory.Count > 0)
            MemoryReport.Write(folder.MemoryPath, memory);
    }

    /// <summary>What there is of the run's files and folders, by name. A model that lacks its weights is none.</summary>
    public IReadOnlyList<string> Written() =>
    [
        .. new[] { RunFolder.ConfigurationFile, RunFolder.MetricsFile, RunFolder.MemoryFile, RunFolder.TraceFile }.Where(name => File.Exists(Path.Combine(folder.FullPath, name))),
        .. folder.Results(),
        .. new CheckpointFolder(CheckpointsPath).Steps().Count > 0 ? [RunFolder.CheckpointsFolder] : Array.Empty<string>(),
    ];

    public void Dispose()
    {
        _metrics?.Dispose();
        Trace?.Dispose();
    }

    // The model is worth more than its curve: a disk that is full ends no training.
    private void TryMetrics(Action write)
    {
        try
        {
            write();
            _metricsFailed = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_metricsFailed)
            {
                observer.OnNotice(
                    $"{folder.MetricsPath} cannot be written: {e.Message}; training goes on, and the lines are written once they can be");
            }

            _metricsFailed = true;
        }
    }

    private void Open(long keepBytes)
    {
        _metrics = new MetricsWriter(folder.MetricsPath, keepBytes);
        Trace = trace ? new TraceWriter(folder.TracePath) : null;
    }
}

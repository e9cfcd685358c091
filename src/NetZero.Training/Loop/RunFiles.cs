namespace NetZero.Training;

/// <summary>The open files of a run.</summary>
internal sealed class RunFiles : IDisposable
{
    private readonly RunFolder _folder;
    private readonly MetricsWriter? _metrics;

    /// <param name="folder">Where they are.</param>
    /// <param name="trace">Whether a trace is among them.</param>
    /// <param name="writes">False on ranks whose files another process writes.</param>
    public RunFiles(RunFolder folder, bool trace, bool writes)
    {
        _folder = folder;
        _metrics = writes ? new MetricsWriter(folder.MetricsPath) : null;
        Trace = trace ? new TraceWriter(folder.TracePath) : null;
    }

    /// <summary>The trace, if there is one.</summary>
    public TraceWriter? Trace { get; }

    public string ModelPath => _folder.ModelPath;

    public void Write(StepMetrics metrics) => _metrics?.Write(metrics);

    public void WriteMemory(IReadOnlyList<RankMemory> memory)
    {
        if (_metrics is not null && memory.Count > 0)
            MemoryReport.Write(_folder.MemoryPath, memory);
    }

    /// <summary>What there is of the run's files and folders, by name. A model that lacks its weights is none.</summary>
    public IReadOnlyList<string> Written() =>
    [
        .. new[] { RunFolder.ConfigurationFile, RunFolder.MetricsFile, RunFolder.MemoryFile, RunFolder.TraceFile, RunFolder.ModelFolder }
            .Where(name => File.Exists(name == RunFolder.ModelFolder ? _folder.WeightsPath : Path.Combine(_folder.FullPath, name))),
    ];

    public void Dispose()
    {
        _metrics?.Dispose();
        Trace?.Dispose();
    }
}

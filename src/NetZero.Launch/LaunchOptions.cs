namespace NetZero.Launch;

/// <summary>What a <see cref="Launcher"/> starts.</summary>
public sealed record LaunchOptions
{
    /// <summary>How many processes, one for each rank.</summary>
    public required int Processes { get; init; }

    /// <summary>The program.</summary>
    public required string Program { get; init; }

    /// <summary>Its arguments, the same for all.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Where each rank's output is kept, in <c>rank-N.log</c>; the folder is made. Restarts add to the files.</summary>
    public required string LogFolder { get; init; }

    /// <summary>Where <c>hang-report.txt</c> and <c>hang-report.json</c> are written when ranks wait in vain or disagree; made when needed.</summary>
    public required string ReportFolder { get; init; }

    /// <summary>When cancelled, workers are asked once to end, as Ctrl+C asks, and have all the time they need for it. Cancelling the job after that kills them.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>How often the job was started before: what workers find as <c>NETZERO_RESTART_COUNT</c>.</summary>
    public int RestartCount { get; init; }

    /// <summary>How long all together have to come.</summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After a failure or a cancellation: how long workers have to end by themselves before they are killed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>A line that a worker wrote.</summary>
/// <param name="Rank">The worker's rank.</param>
/// <param name="IsError">Whether it came on the error output.</param>
/// <param name="Text">The line.</param>
public readonly record struct WorkerLine(int Rank, bool IsError, string Text);

/// <summary>Why a job failed: its first cause, never what followed from it.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="ExitCode">How the process ended; 128 + n after signal n.</param>
/// <param name="Reason">One line: the rank's own exception, its signal, or its exit code.</param>
public sealed record WorkerFailure(int Rank, int ProcessId, int ExitCode, string Reason)
{
    /// <summary>Where the report of all ranks' calls is; null for failures that are not about these.</summary>
    public string? ReportPath { get; init; }
}

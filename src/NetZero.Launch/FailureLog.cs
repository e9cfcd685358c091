using NetZero.Collectives;

namespace NetZero.Launch;

/// <summary>Failures in the order in which they came.</summary>
internal sealed class FailureLog
{
    private readonly Lock _lock = new();
    private readonly List<(int Rank, RemoteRankException? Said)> _failures = [];

    /// <summary>A rank said why it fails, or (with nothing) is gone without a word.</summary>
    public void Add(int rank, RemoteRankException? said)
    {
        lock (_lock)
            _failures.Add((rank, said));
    }

    /// <summary>The first cause, once all workers have ended; null when none failed.</summary>
    public WorkerFailure? FirstCause(IReadOnlyList<Worker> workers)
    {
        lock (_lock)
        {
            if (_failures.Count > 0)
            {
                var (rank, said) = _failures[0];
                var worker = workers[rank];
                return Of(worker, said is null ? Signals.Describe(worker.ExitCode) : $"failed with {said}");
            }
        }

        // A worker that failed before it joined, such as with a mistake in its arguments, has said so on its error output.
        return workers.FirstOrDefault(w => w.ExitCode != 0) is { } failed ? Of(failed, Signals.Describe(failed.ExitCode)) : null;
    }

    private static WorkerFailure Of(Worker worker, string reason) =>
        new(worker.Rank, worker.ProcessId, worker.ExitCode, $"rank {worker.Rank} (process {worker.ProcessId}) {reason}");
}

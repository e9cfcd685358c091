using NetZero.Collectives;

namespace NetZero.Launch;

/// <summary>Failures in the order in which they came.</summary>
internal sealed class FailureLog(JobRecorder recorder)
{
    private readonly Lock _lock = new();
    private readonly List<(int Rank, RemoteRankException? Said)> _failures = [];

    /// <summary>A rank said why it fails, or (with nothing) is gone without a word.</summary>
    public void Add(int rank, RemoteRankException? said)
    {
        lock (_lock)
        {
            _failures.Add((rank, said));
            recorder.OnFailure(rank, said);
        }
    }

    /// <summary>The first cause, once all workers have ended; null when none failed.</summary>
    public WorkerFailure? FirstCause(IReadOnlyList<Worker> workers)
    {
        lock (_lock)
        {
            if (_failures.Count > 0)
            {
                var (rank, said) = _failures[0];
                if (said is null)
                {
                    var last = recorder.LastCallOf(rank);
                    return Of(workers[rank], Signals.Describe(workers[rank].ExitCode) + (last is null ? "" : $"; {last}"));
                }

                return said.BlamedRanks is [var blamed, ..] ? Blame(workers[blamed], workers[rank], said) : Of(workers[rank], $"failed with {said}");
            }
        }

        // A worker that failed before it joined, such as with a mistake in its arguments, has said so on its error output.
        return workers.FirstOrDefault(w => w.ExitCode != 0) is { } failed ? Of(failed, Signals.Describe(failed.ExitCode)) : null;
    }

    // The cause is the rank that others waited for, or met with another call; the exit code is that of the rank that said so.
    private WorkerFailure Blame(Worker blamed, Worker said, RemoteRankException what) => new(
        blamed.Rank, blamed.ProcessId, said.ExitCode,
        $"{recorder.Find(blamed.Rank)?.Name ?? $"rank {blamed.Rank} (process {blamed.ProcessId})"} held the others up: rank {said.Rank} failed with {what}");

    private static WorkerFailure Of(Worker worker, string reason) =>
        new(worker.Rank, worker.ProcessId, worker.ExitCode, $"rank {worker.Rank} (process {worker.ProcessId}) {reason}");
}

using System.Net;
using NetZero.Collectives;

namespace NetZero.Launch;

/// <summary>Starts a process for each rank on this machine, brings them together, and says who failed first when the job fails.</summary>
/// <remarks>
/// <para>Workers get torchrun's variables: <c>RANK</c>, <c>LOCAL_RANK</c>, <c>WORLD_SIZE</c>, <c>LOCAL_WORLD_SIZE</c>, <c>MASTER_ADDR</c>,
/// <c>MASTER_PORT</c>; and <c>NETZERO_RESTART_COUNT</c>, <c>NETZERO_LAUNCHER</c>, <c>NETZERO_JOB</c>.</para>
/// <para>They meet at this process, and their connections end with it: workers whose launcher is gone end within seconds. A worker that ends well
/// early is no failure.</para>
/// </remarks>
public static class Launcher
{
    /// <summary>Runs a job to its end.</summary>
    /// <param name="options">What to start.</param>
    /// <param name="onLine">Told each line that a worker writes; from several threads, one line at a time.</param>
    /// <param name="cancellation">Asks the workers to end; those that do not are killed after the grace.</param>
    /// <returns>The first cause of the failure; null when all workers ended well.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; all workers have ended.</exception>
    public static async Task<WorkerFailure?> RunAsync(LaunchOptions options, Action<WorkerLine> onLine, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(onLine);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Processes, 1);
        Directory.CreateDirectory(options.LogFolder);
        using var recorder = new JobRecorder();
        var failures = new FailureLog(recorder);
        var job = Guid.NewGuid().ToString("N");
        var coordinator = Coordinator.Start(new IPEndPoint(IPAddress.Loopback, 0), options.Processes, job, options.JoinTimeout);
        coordinator.OnJoined = recorder.OnJoined;
        coordinator.OnFailure = failures.Add;
        var workers = new List<Worker>();
        try
        {
            var writing = new Lock();
            for (var rank = 0; rank < options.Processes; rank++)
                workers.Add(Worker.Start(options, rank, coordinator.EndPoint, job, line => { lock (writing) onLine(line); }));
            await EndAsync(workers, options, cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            return failures.FirstCause(workers) is { } failure ? failure with { ReportPath = recorder.Write(options.ReportFolder) } : null;
        }
        finally
        {
            foreach (var worker in workers.Where(w => !w.Ended.IsCompleted))
                worker.Kill();
            await Task.WhenAll(workers.Select(w => w.Ended)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var worker in workers)
                worker.Dispose();
            await coordinator.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Until all have ended: by themselves, after one of them failed (the others are told by the coordinator), or after a cancellation.
    private static async Task EndAsync(List<Worker> workers, LaunchOptions options, CancellationToken cancellation)
    {
        var grace = options.Grace;
        using var asking = options.Stop.UnsafeRegister(_ => Interrupt(workers), null);
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = cancellation.UnsafeRegister(_ => stop.TrySetResult(), null);
        var running = workers.Select(w => w.Ended).ToList();
        while (running.Count > 0 && !stop.Task.IsCompleted)
        {
            var ended = await Task.WhenAny([.. running, stop.Task]).ConfigureAwait(false);
            running.Remove(ended);
            if (workers.Exists(w => w.Ended.IsCompleted && w.ExitCode != 0))
                break;
        }

        if (cancellation.IsCancellationRequested)
        {
            if (options.Stop.IsCancellationRequested)
                grace = TimeSpan.Zero;
            else
                Interrupt(workers);
        }

        await Task.WhenAny(Task.WhenAll(running), Task.Delay(grace, CancellationToken.None)).ConfigureAwait(false);
        foreach (var worker in workers.Where(w => !w.Ended.IsCompleted))
            worker.Kill();
        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private static void Interrupt(List<Worker> workers)
    {
        foreach (var worker in workers)
            worker.Interrupt();
    }
}

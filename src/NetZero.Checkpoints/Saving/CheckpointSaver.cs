using System.Collections.Concurrent;
using System.Diagnostics;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Checkpoints;

/// <summary>Saves the state of a distributed model and its optimizer, every rank its part. Every rank has one and makes the same calls, between steps.</summary>
/// <remarks>
/// <para>Synchronously, files are written from the tensors themselves, and nothing is copied. Asynchronously, the state is copied first, within the budget; training goes on
/// while a thread of each rank writes, and the next save waits for the last. Where there is a store, rank 0 sends what is complete in the same way: in turn, or beside training.</para>
/// <para>Note: a save in four moments. Rank 0 makes an empty folder under a name that begins with a dot, and all agree that there is one; each rank writes its file,
/// flushes it and leaves its part of the manifest beside it; rank 0 joins the parts, writes the manifest and flushes; the folder is renamed. Before the last moment there is
/// no such checkpoint, after it the checkpoint is whole.</para>
/// <para>Note: how rank 0 hears of a rank that has failed. By what that rank leaves in the folder; and where the rank could leave nothing,
/// because the folder is what it has lost, when the ranks next wait for each other (<see cref="Finish"/>). Rank 0 waits for the outcome of
/// every rank, so that nobody writes any more when it removes a checkpoint that has failed.</para>
/// </remarks>
public sealed class CheckpointSaver : IDisposable
{
    private readonly CheckpointFolder _folder;
    private readonly TrainingState _state;
    private readonly SaverOptions _options;
    private readonly CancellationTokenSource _stop;
    private readonly CheckpointSender? _sender;
    private SnapshotBuffer? _snapshot;
    private Task<SaveReport?>? _pending;

    // What Poll has told of a save that the other ranks have not heard of yet.
    private SaveReport? _polled;

    // Why ranks have failed in the save under way, by rank; its thread looks there.
    private ConcurrentDictionary<int, string> _failures = [];

    /// <summary>Makes the saver of one rank; the memory of snapshots is taken at the first save.</summary>
    /// <param name="folder">Where checkpoints go, the same on every rank: a folder that all ranks share.</param>
    /// <param name="module">The model.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="options">How to save.</param>
    /// <param name="cancellation">Gives up what is being written.</param>
    public CheckpointSaver(CheckpointFolder folder, ShardedModule module, Optimizer optimizer, SaverOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(options);
        _folder = folder;
        _options = options;
        _state = new TrainingState(module, optimizer);
        _sender = options.Store is { } store ? new CheckpointSender(folder, store, options.KeepLast, options.KeepBest) : null;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    }

    /// <summary>The version of the library, as manifests say it.</summary>
    internal static string Library { get; } = typeof(CheckpointSaver).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>Bytes of the latest copies that went past the system's cache. Asked for once their save has ended.</summary>
    internal long DirectBytes { get; private set; }

    private int Rank => _state.Module.Group.Rank;

    /// <summary>Saves the state as it is now.</summary>
    /// <param name="manifest">What to say beside the state: step, data, random, configuration, validation loss. The rest is filled in.</param>
    /// <returns>What became of the save that has ended: this one, or asynchronously the one before; null where there was none.</returns>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <remarks>A save that fails is reported, and training may go on: the state and older checkpoints are as they were.</remarks>
    public SaveReport? Save(CheckpointManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var last = Finish();
        var start = Stopwatch.GetTimestamp();
        manifest = Complete(manifest);
        if (!TryBegin(manifest.Step, out var failure))
            return Either(last, Failed(manifest.Step, start, failure));
        if (_options.Async)
        {
            _pending = WriteBeside(manifest, start);
            return last;
        }

        return Either(last, Write(manifest, start));
    }

    /// <summary>What became of an asynchronous save, once it has ended; null while it lasts, or where there is none. Never blocks; ranks may get different answers.</summary>
    public SaveReport? Poll() => _pending is { IsCompleted: true } ? _polled = Ended() : null;

    /// <summary>Waits for an asynchronous save that is under way. Every rank calls it.</summary>
    /// <returns>What became of it; null where there was none.</returns>
    public SaveReport? Finish()
    {
        // Another rank waits only for rank 0's word on the whole; what it says itself is for rank 0.
        RankAgreement.WaitForAll(
            _state.Module.Group, _state.Module.Tensors, _pending,
            () => Rank == 0 ? null : (_pending is { IsCompletedSuccessfully: true } ended ? ended.Result : _polled)?.Failure,
            (rank, message) => _failures.TryAdd(rank, message));
        _polled = null;
        return Ended();
    }

    /// <summary>Begins to send the checkpoint that was loaded to the store, beside training, if a crash has kept it from there. Every rank calls it.</summary>
    /// <param name="step">Its step.</param>
    public void SendMissing(long step)
    {
        if (_sender is null)
            return;
        Finish();
        var stop = _stop.Token;
        _pending = Rank == 0 ? Task.Run(() => _sender.SendMissing(step, stop), CancellationToken.None) : null;
    }

    /// <summary>Takes the memory that asynchronous saves need, as the first of them does: so that a plan on Meta counts it.</summary>
    public void Prepare()
    {
        if (_options.Async && _snapshot is null && _state.Owned().Any())
            _snapshot = new SnapshotBuffer(_state.Module.Tensors, SnapshotBuffer.Bytes(_state.Owned().Select(o => o.Run), _options.SnapshotBudgetBytes));
    }

    /// <summary>Gives up what is still being written, and frees the copies. Call <see cref="Finish"/> before to keep it.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        if (_pending is { } pending)
            ((Task)pending).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Wait();
        _pending = null;
        _snapshot?.Free();
        _snapshot = null;
        _stop.Dispose();
    }

    private SaveReport? Ended()
    {
        if (_pending is not { } pending)
            return null;
        _pending = null;
        return pending.GetAwaiter().GetResult();
    }

    private static SaveReport? Either(SaveReport? last, SaveReport now) => last is { Failure: { } failure }
        ? now with { Failure = now.Failure is null ? $"the save before, of step {last.Step}, failed: {failure}" : now.Failure }
        : now;

    private CheckpointManifest Complete(CheckpointManifest manifest)
    {
        var module = _state.Module;
        return manifest with
        {
            Library = Library,
            World = new CheckpointWorld(module.Group.Size, module.ShardGroup.Size, module.Policy.Stage),
            Scalars = manifest.Scalars.Concat(_state.Scalars()).ToDictionary(),
            Fixed = _state.LeftOut,
        };
    }

    // All ranks agree that there is a folder, and that it is empty, before any of them writes.
    private bool TryBegin(long step, out string failure)
    {
        Exception? problem = null;
        try
        {
            if (Rank == 0)
                _folder.Begin(step);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e;
        }

        var found = RankAgreement.FirstFailure(_state.Module.Group, _state.Module.Tensors, problem);
        failure = found?.Message ?? "";
        return found is null;
    }

    private SaveReport Write(CheckpointManifest manifest, long start)
    {
        var problem = Attempt(() =>
        {
            var runs = Runs();
            using var file = RankFile.Create(_folder.Partial(manifest.Step), Rank, [.. runs.Select(r => r.Stored)]);
            foreach (var (stored, run) in runs)
                file.Write(stored, run, 0, _stop.Token);
            file.Complete();
        });
        var group = _state.Module.Group;
        if (RankAgreement.FirstFailure(group, _state.Module.Tensors, problem) is { } early)
        {
            Abandon(manifest.Step);
            return Failed(manifest.Step, start, early.Message);
        }

        var report = new SaveReport(manifest.Step, _folder.Of(manifest.Step), 0, 0, null);
        problem = Attempt(() =>
        {
            if (Rank == 0)
                report = Commit(manifest, start, []);
        });
        if (RankAgreement.FirstFailure(group, _state.Module.Tensors, problem) is { } late)
        {
            Abandon(manifest.Step);
            return Failed(manifest.Step, start, late.Message);
        }

        if (_sender is null)
            return report;
        var sending = Rank == 0 ? Task.Run(() => _sender.Send(report, _stop.Token)) : null;
        RankAgreement.WaitForAll(group, _state.Module.Tensors, sending);
        return sending?.GetAwaiter().GetResult() ?? report;
    }

    // Copies what the budget holds and writes the rest at once; what was copied is written beside training.
    private unsafe Task<SaveReport?> WriteBeside(CheckpointManifest manifest, long start)
    {
        var folder = _folder.Partial(manifest.Step);
        RankFile? file = null;
        long copied = 0;
        var problem = Attempt(() =>
        {
            Prepare();
            var runs = Runs();
            file = RankFile.Create(folder, Rank, [.. runs.Select(r => r.Stored)]);
            copied = file.WholeBlocks(_snapshot?.Capacity ?? 0);
            foreach (var (stored, run) in runs)
            {
                var first = file.StartOf(stored);
                var fits = Math.Clamp(copied - first, 0, run.Bytes);
                if (fits > 0)
                    _snapshot!.Copy(run, fits, first);
                file.Write(stored, run, fits, _stop.Token);
            }
        });
        var copies = (nint)(_snapshot is null ? null : _snapshot.Pointer);
        var stop = _stop.Token;
        var failures = _failures = [];
        return Task.Factory.StartNew<SaveReport?>(
            () =>
            {
                try
                {
                    problem ??= AttemptBeside(() =>
                    {
                        DirectBytes = file!.WriteCopies((byte*)copies, copied, stop);
                        file!.Complete();
                    });
                }
                finally
                {
                    // What of the file is there goes, if it is not complete: room for saying why.
                    problem = AttemptBeside(() => file?.Dispose()) is { } closing ? problem ?? closing : problem;
                }

                return Rank == 0 ? Conclude(manifest, start, problem, failures) : Tell(manifest, start, problem);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    // What another rank does once its file is written, or is not.
    private SaveReport Tell(CheckpointManifest manifest, long start, Exception? problem)
    {
        if (problem is null)
            return new SaveReport(manifest.Step, _folder.Of(manifest.Step), 0, Stopwatch.GetElapsedTime(start).TotalSeconds, null);
        RankFile.TryFail(_folder.Partial(manifest.Step), Rank, problem.Message);
        return Failed(manifest.Step, start, problem.Message);
    }

    // What rank 0 does once its file is written, or is not.
    private SaveReport Conclude(CheckpointManifest manifest, long start, Exception? problem, ConcurrentDictionary<int, string> failures)
    {
        if (problem is not null)
            failures.TryAdd(Rank, problem.Message);
        SaveReport? report = null;
        if (AttemptBeside(() => report = Commit(manifest, start, failures)) is { } failure)
        {
            Abandon(manifest.Step);
            return Failed(manifest.Step, start, failure.Message);
        }

        return _sender?.Send(report!, _stop.Token) ?? report!;
    }

    private SaveReport Commit(CheckpointManifest manifest, long start, ConcurrentDictionary<int, string> failures)
    {
        var bytes = ManifestAssembly.Complete(_folder, manifest, failures, _stop.Token);

        // A checkpoint that cannot be read may be one of the best: where there is such a one, none goes.
        var problem = Attempt(() =>
        {
            foreach (var step in Retention.Superfluous(_folder, _options.KeepLast, _options.KeepBest))
                _folder.Remove(step);
        }, e => e is IOException or UnauthorizedAccessException or CheckpointException);
        return new SaveReport(
            manifest.Step, _folder.Of(manifest.Step), bytes, Stopwatch.GetElapsedTime(start).TotalSeconds,
            problem is null ? null : $"it was saved, but older checkpoints could not be removed: {problem.Message}");
    }

    private void Abandon(long step)
    {
        // Leftovers are no harm: the next save removes them. Nobody writes there any more.
        if (Rank == 0)
            Attempt(() => _folder.Abandon(step));
    }

    private SaveReport Failed(long step, long start, string message) => new(step, _folder.Of(step), 0, Stopwatch.GetElapsedTime(start).TotalSeconds, message);

    // In the order in which they lie in the file, so that the disk is written from front to back.
    // What is saved, once the device is done with it.
    private List<(StoredRun Stored, StateRun Run)> Runs()
    {
        _state.Module.Tensors.Synchronize();
        return
        [
            .. _state.Owned()
                .Select(o => (Stored: StoredRun.Of(o.Slice, o.Run), o.Run))
                .OrderByDescending(r => r.Stored.DType.Bits()).ThenBy(r => r.Stored.Key, StringComparer.Ordinal),
        ];
    }

    // A disk that is full or gone ends the save, not the training.
    private static Exception? Attempt(Action action) => Attempt(action, e => e is IOException or UnauthorizedAccessException);

    // Beside training whatever goes wrong does: only who cancels the run is told so.
    private Exception? AttemptBeside(Action action) =>
        Attempt(action, e => e is not OperationCanceledException || !_stop.IsCancellationRequested);

    private static Exception? Attempt(Action action, Func<Exception, bool> endsTheSave)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception e) when (endsTheSave(e))
        {
            return e;
        }
    }
}

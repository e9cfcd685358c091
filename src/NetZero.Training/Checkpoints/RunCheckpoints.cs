using System.Diagnostics;
using System.Text.Json;
using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>Saves a run's state as its section <c>checkpoint</c> says. Every rank has one and makes the same calls.</summary>
/// <remarks>
/// Note: who decides. When a save is due by the clock, and whether somebody has asked the run to stop, ranks may see differently: in each step they tell what they have seen
/// (<see cref="RankNews"/>). So all save the same step, and all end after the same one.
/// </remarks>
/// <param name="state">What the ranks share.</param>
/// <param name="rank">The rank.</param>
/// <param name="order">The order of samples.</param>
/// <param name="module">The model.</param>
/// <param name="optimizer">Its optimizer.</param>
/// <param name="early">What counts evaluations.</param>
internal sealed class RunCheckpoints(RunState state, RankContext rank, SampleOrder order, ShardedModule module, Optimizer optimizer, EarlyStopping early) : IDisposable
{
    private long _lastBegun = Stopwatch.GetTimestamp();

    // Made at the first save: until the first update an optimizer has no state, and none shall be made for it earlier.
    private CheckpointSaver? _saver;

    // Why the latest save that failed did.
    private string? _failure;

    private CheckpointPolicy Policy => state.Run.Checkpoints;

    /// <summary>Whether a save is due by the clock. Ranks differ: one is asked, and tells the others.</summary>
    public bool IsDueByTime => Policy.EveryMinutes > 0 && Stopwatch.GetElapsedTime(_lastBegun).TotalMinutes >= Policy.EveryMinutes;

    /// <summary>Whether the policy has a save after so many steps.</summary>
    public bool IsDueAfter(long done) => Policy.EverySteps > 0 && done % Policy.EverySteps == 0;

    /// <summary>Reports a save in the background that has ended.</summary>
    public void Poll()
    {
        if (rank.Rank == 0 && _saver?.Poll() is { } ended)
            Report(ended);
    }

    /// <summary>Saves the state after a step.</summary>
    /// <param name="done">Steps done.</param>
    /// <param name="samples">Samples used by them.</param>
    /// <param name="validationLoss">The validation loss at this step, if it was evaluated.</param>
    /// <exception cref="IOException">It could not be saved, and training is to end then.</exception>
    public void Save(long done, long samples, double? validationLoss)
    {
        _lastBegun = Stopwatch.GetTimestamp();
        if (rank.Rank == 0)
            state.Files.FlushMetrics();
        var data = order.At(samples);
        Finish();
        _saver ??= Saver();
        Report(_saver.Save(new CheckpointManifest
        {
            Step = done,
            Scalars = CheckpointModels.Scalars(state.Model).Concat(early.Scalars()).ToDictionary(),
            Data = new CheckpointData(data.Samples, data.SamplesPerEpoch, data.Shuffle, data.Seed),
            Random = new CheckpointRandom(state.Run.Seed),
            ValidationLoss = validationLoss,
            Configuration = JsonDocument.Parse(state.Run.ToJson()).RootElement,
        }));
    }

    /// <summary>Sends the checkpoint that the run goes on from, if a crash has kept it from the store. Every rank calls it, with a state that was restored.</summary>
    public void SendMissing(long step)
    {
        if (state.Store is null)
            return;
        _saver ??= Saver();
        _saver.SendMissing(step);
    }

    /// <summary>Waits for what is still being written.</summary>
    public void Finish() => Report(_saver?.Finish());

    /// <summary>As <see cref="Finish"/>, where the run ends for the sake of the checkpoint of this step.</summary>
    /// <exception cref="IOException">It could not be saved.</exception>
    public void FinishRequired(long done)
    {
        Finish();
        if (rank.Rank == 0 && state.Saved?.Step != done)
            throw new IOException($"the run was asked to stop, but its checkpoint could not be saved: {_failure}");
    }

    public void Dispose() => _saver?.Dispose();

    private CheckpointSaver Saver() =>
        new(new CheckpointFolder(state.Files.CheckpointsPath), module, optimizer, Policy.ToOptions() with { Store = state.Store }, rank.Cancellation);

    // Rank 0 completes checkpoints, so it knows of the failures of all.
    private void Report(SaveReport? report)
    {
        if (rank.Rank != 0 || report is null)
            return;
        state.Observer.OnCheckpoint(report);
        if (report.Bytes > 0)
            state.Saved = report;
        else
            _failure = report.Failure;
        if (Policy.StopOnFailure && (report.Bytes == 0 || report.StoreFailed))
            throw new IOException($"the checkpoint of step {report.Step} {(report.Bytes == 0 ? "could not be saved" : "is not where it should be")}: {report.Failure}");
    }
}

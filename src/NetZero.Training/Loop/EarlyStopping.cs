namespace NetZero.Training;

/// <summary>Counts evaluations without a lower validation loss. Every rank has one; the losses that they see are the same, so all end after the same step.</summary>
/// <param name="settings">How long to wait.</param>
internal sealed class EarlyStopping(EarlyStoppingConfiguration settings)
{
    // In a checkpoint's scalars. The lowest loss is left out while there is none.
    private const string BestLoss = "early_stopping.best_loss";
    private const string BestStep = "early_stopping.best_step";
    private const string Waited = "early_stopping.evaluations";

    private double _best = double.PositiveInfinity;
    private long _bestStep;
    private int _waited;

    /// <summary>Why the run is over; null while it is not.</summary>
    public EarlyStop? Reason => settings.Patience > 0 && _waited >= settings.Patience
        ? new EarlyStop(double.IsPositiveInfinity(_best) ? null : _best, _bestStep, _waited)
        : null;

    /// <summary>Takes an evaluation into account. A loss that is no number is not lower.</summary>
    /// <param name="done">Steps done before it.</param>
    /// <param name="loss">The validation loss.</param>
    public void After(long done, double loss)
    {
        if (loss < _best - settings.MinDelta)
            (_best, _bestStep, _waited) = (loss, done, 0);
        else
            _waited++;
    }

    /// <summary>Where it stands, for a checkpoint.</summary>
    public IEnumerable<KeyValuePair<string, double>> Scalars()
    {
        if (settings.Patience == 0)
            yield break;
        if (double.IsFinite(_best))
            yield return new(BestLoss, _best);
        yield return new(BestStep, _bestStep);
        yield return new(Waited, _waited);
    }

    /// <summary>Goes on where <see cref="Scalars"/> were taken; from a run without early stopping, from the beginning.</summary>
    public void Restore(IReadOnlyDictionary<string, double> scalars)
    {
        _best = scalars.GetValueOrDefault(BestLoss, double.PositiveInfinity);
        _bestStep = (long)scalars.GetValueOrDefault(BestStep);
        _waited = (int)scalars.GetValueOrDefault(Waited);
    }
}

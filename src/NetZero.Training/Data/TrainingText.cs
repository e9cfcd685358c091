namespace NetZero.Training;

/// <summary>The training text of a run, and the part of it that each rank reads.</summary>
public sealed class TrainingText : IDisposable
{
    private readonly RunConfiguration _run;
    private readonly BatchLayout _layout;
    private readonly TextDataset[] _own;

    private TrainingText(RunConfiguration run, TextDataset whole, TextDataset[] own)
    {
        _run = run;
        _layout = BatchLayout.Of(run);
        Whole = whole;
        _own = own;
    }

    /// <summary>All of it.</summary>
    public TextDataset Whole { get; }

    /// <summary>Samples of one epoch, over all ranks.</summary>
    public long SampleCount => _own.Length == 0 ? Whole.SampleCount : _own.Sum(own => own.SampleCount);

    /// <summary>Opens it.</summary>
    /// <exception cref="ConfigurationException">As for <see cref="TextDataset.OpenTraining"/> and <see cref="TextDataset.OpenFilesOf"/>.</exception>
    public static TrainingText Open(RunConfiguration run, ITokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(run);
        var whole = TextDataset.OpenTraining(run, tokenizer);
        var own = new List<TextDataset>();
        try
        {
            for (var rank = 0; run.Data.ShardBy == TextSharding.Files && rank < run.Ranks; rank++)
                own.Add(whole.OpenFilesOf(rank, run, tokenizer));
            return new TrainingText(run, whole, [.. own]);
        }
        catch
        {
            own.ForEach(part => part.Dispose());
            whole.Dispose();
            throw;
        }
    }

    /// <summary>The order of samples over all ranks together, for places in it that are saved.</summary>
    public SampleOrder Order => OrderOf(SampleCount);

    /// <summary>What a rank reads.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="origin">The place, over all ranks together, that step 0 would begin at.</param>
    public BatchReader ReaderOf(int rank, long origin = 0)
    {
        var isOwn = _own.Length > 0;
        var text = isOwn ? _own[rank] : Whole;
        return new BatchReader(text.Tokens, OrderOf(text.SampleCount), _layout, rank, isOwn ? origin / _run.Ranks : origin, _run.Data.Epochs, isOwn);
    }

    /// <summary>How many steps the run takes: those that were asked for, or fewer where ranks run out of samples before.</summary>
    /// <param name="origin">As for <see cref="ReaderOf"/>.</param>
    public int Steps(long origin = 0)
    {
        var ofRanks = Enumerable.Range(0, _run.Ranks).Select(rank => ReaderOf(rank, origin).Steps);
        return (int)Math.Min(_run.Steps, _run.Data.UnevenInputs == Sharding.UnevenInputs.Stop ? ofRanks.Min() : ofRanks.Max());
    }

    /// <summary>Tokens that all ranks together have trained on up to a place: those of as many samples, unless ranks have run out of them.</summary>
    public long TokensUpTo(long place)
    {
        var samples = (_run.Data.Epochs, _own.Length) switch
        {
            (0, _) => place,
            (var epochs, 0) => Math.Min(place, epochs * Whole.SampleCount),
            var (epochs, _) => _own.Sum(own => Math.Min(place / _run.Ranks, epochs * own.SampleCount)),
        };
        return samples * _layout.SequenceLength;
    }

    /// <summary>Closes all files.</summary>
    public void Dispose()
    {
        foreach (var own in _own)
            own.Dispose();
        Whole.Dispose();
    }

    private SampleOrder OrderOf(long samples) => new(samples, _run.Data.Shuffle, _run.Seed);
}

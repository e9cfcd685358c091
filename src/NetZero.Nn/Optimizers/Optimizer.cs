using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Updates flat shards in place. State is made at the first step and lives beside the shard.</summary>
public abstract class Optimizer
{
    private readonly IFlatParameters _parameters;
    private readonly ParameterGroups _groups;
    private readonly WeightAverage? _average;
    private readonly Dictionary<FlatShard, ShardState> _states = [];
    private readonly List<ShardState> _stepped = [];
    private OptimizerState[]? _declared;

    /// <summary>Makes an optimizer over the flat parameters of a sharded model.</summary>
    /// <exception cref="ArgumentException">A parameter group fits no parameter.</exception>
    protected Optimizer(IFlatParameters parameters, OptimizerOptions options)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(options);
        _parameters = parameters;
        _groups = new ParameterGroups(options, parameters);
        LearningRate = options.LearningRate;
        if (options.AverageDecay is < 0 or >= 1)
            throw new ArgumentException($"AverageDecay is {options.AverageDecay}; give a share from 0 (no average) to below 1.");
        _average = options.AverageDecay > 0 ? new WeightAverage(options.AverageDecay) : null;
    }

    /// <summary>The learning rate of the next step; schedules set it. Groups with rates of their own follow it in proportion.</summary>
    public double LearningRate { get; set; }

    /// <summary>How many steps have been taken.</summary>
    public long Steps { get; private set; }

    /// <summary>Which update of the shard at hand this is, from 1: a shard that was frozen has had fewer than <see cref="Steps"/>.</summary>
    protected long ShardSteps { get; private set; }

    /// <summary>The tensors kept beside each shard, such as the two moments of Adam, and the average of the values where one is kept.</summary>
    public IReadOnlyList<OptimizerState> States => _declared ??= _average is null ? [.. Moments] : [.. Moments, WeightAverage.State];

    /// <summary>What updates keep beside each shard.</summary>
    protected abstract IReadOnlyList<OptimizerState> Moments { get; }

    /// <summary>Makes the state of all shards, if it is not there yet; <see cref="Step"/> does it otherwise.</summary>
    public void Prepare()
    {
        foreach (var shard in _parameters.Shards)
            State(shard);
    }

    /// <summary>The state of one shard, in the order of <see cref="States"/>, made if it is not there yet. Between steps it may be read and written.</summary>
    public IReadOnlyList<Tensor> StateOf(FlatShard shard) => State(shard).Tensors;

    /// <summary>Goes on as if <paramref name="steps"/> steps had been taken, on every shard alike; whoever calls it restores the states too.</summary>
    public void Resume(long steps)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        Steps = steps;
        foreach (var shard in _parameters.Shards)
            State(shard).Steps = steps;
    }

    /// <summary>Updates every parameter from its gradient.</summary>
    public void Step()
    {
        Prepare();

        // Counted when the first shard comes: a step that is refused does not count.
        _stepped.Clear();
        var counted = false;
        _parameters.Update((shard, gradientScale) =>
        {
            if (!counted)
                Steps++;
            counted = true;
            var state = State(shard);
            if (_average is not null && state.Steps == 0)
                WeightAverage.Begin(shard, state.Tensors[^1]);
            ShardSteps = ++state.Steps;
            _stepped.Add(state);
            Update(shard, state.Tensors, gradientScale);
            _average?.Follow(shard, state.Tensors[^1], state.Steps, gradientScale);
        });
    }

    /// <summary>
    /// Exchanges the values with their averages on all ranks; done twice it has done nothing, bit for bit. So a model is evaluated or saved with averaged values, without memory for them.
    /// Every rank calls it alike, between steps.
    /// </summary>
    /// <exception cref="InvalidOperationException">No average is kept: <see cref="OptimizerOptions.AverageDecay"/> is 0.</exception>
    public void ExchangeAverages()
    {
        if (_average is null)
            throw new InvalidOperationException("The optimizer keeps no averages; make it with an AverageDecay above 0.");
        _parameters.Rewrite(shard =>
        {
            // Before its first update a shard is its own average.
            if (State(shard) is { Steps: > 0 } state)
                WeightAverage.Exchange(shard, state.Tensors[^1]);
        });
    }

    /// <summary>Says that the last <see cref="Step"/> was left out on the device, because gradients overflowed: it does not count.</summary>
    /// <exception cref="InvalidOperationException">There was none, or it was taken back already.</exception>
    public void TakeBack()
    {
        if (_stepped.Count == 0)
            throw new InvalidOperationException("TakeBack() without a step to take back: it comes once, after Step().");
        Steps--;
        foreach (var state in _stepped)
            state.Steps--;
        _stepped.Clear();
    }

    /// <summary>Frees the state of shards, such as those that were frozen; it begins at zero when they are updated again.</summary>
    public void DropState(IEnumerable<FlatShard> shards)
    {
        ArgumentNullException.ThrowIfNull(shards);
        foreach (var shard in shards)
            if (_states.Remove(shard, out var state))
                foreach (var tensor in state.Tensors)
                    tensor.Free();
    }

    /// <summary>Updates one shard.</summary>
    /// <param name="shard">Values and gradients.</param>
    /// <param name="state">The state tensors, in the order of <see cref="Moments"/>; an average is behind them.</param>
    /// <param name="gradientScale">F32: gradients are multiplied with its first element before use; where there is a second and it is not 0, nothing is updated. Null is 1.</param>
    protected abstract void Update(FlatShard shard, Tensor[] state, Tensor? gradientScale);

    /// <summary>The settings of one parameter at this step.</summary>
    protected ParameterSettings SettingsOf(FlatRange range) => _groups.Of(range, LearningRate);

    /// <summary>Stretches of the shard that are treated alike, neighbours joined.</summary>
    protected IEnumerable<(long Start, long Length, ParameterSettings Settings)> Stretches(FlatShard shard)
    {
        ArgumentNullException.ThrowIfNull(shard);
        long start = 0, length = 0;
        var current = default(ParameterSettings);
        foreach (var range in shard.Ranges)
        {
            var settings = SettingsOf(range);
            if (length > 0 && settings == current && range.Start == start + length)
            {
                length += range.Length;
                continue;
            }

            if (length > 0)
                yield return (start, length, current);
            (start, length, current) = (range.Start, range.Length, settings);
        }

        if (length > 0)
            yield return (start, length, current);
    }

    private ShardState State(FlatShard shard)
    {
        if (!_states.TryGetValue(shard, out var state))
            _states[shard] = state = new ShardState([.. States.Select(shard.AllocateState)]);
        return state;
    }

    private sealed class ShardState(Tensor[] tensors)
    {
        public Tensor[] Tensors => tensors;

        /// <summary>How often the shard has been updated with this state.</summary>
        public long Steps { get; set; }
    }
}

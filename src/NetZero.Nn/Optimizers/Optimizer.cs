using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Updates flat shards in place. State is made at the first step and lives beside the shard.</summary>
public abstract class Optimizer
{
    private readonly IFlatParameters _parameters;
    private readonly Dictionary<FlatShard, Tensor[]> _states = [];

    /// <summary>Makes an optimizer over the flat parameters of a sharded model.</summary>
    protected Optimizer(IFlatParameters parameters, double learningRate)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        _parameters = parameters;
        LearningRate = learningRate;
    }

    /// <summary>The learning rate of the next step; schedules set it.</summary>
    public double LearningRate { get; set; }

    /// <summary>How many steps have been taken.</summary>
    public long Steps { get; private set; }

    /// <summary>Names of the state tensors of each shard, such as the two moments of Adam; each as long as the shard.</summary>
    public abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>Makes the state of all shards, if it is not there yet; <see cref="Step"/> does it otherwise.</summary>
    public void Prepare()
    {
        foreach (var shard in _parameters.Shards)
            State(shard);
    }

    /// <summary>Updates every parameter from its gradient.</summary>
    public void Step()
    {
        Prepare();

        // Counted when the first shard comes: a step that is refused does not count.
        var counted = false;
        _parameters.Update((shard, gradientScale) =>
        {
            if (!counted)
                Steps++;
            counted = true;
            Update(shard, State(shard), gradientScale);
        });
    }

    /// <summary>Updates one shard.</summary>
    /// <param name="shard">Values and gradients.</param>
    /// <param name="state">The state tensors, in the order of <see cref="StateNames"/>.</param>
    /// <param name="gradientScale">[1] of F32: gradients are multiplied with it before use; null is 1.</param>
    protected abstract void Update(FlatShard shard, IReadOnlyList<Tensor> state, Tensor? gradientScale);

    /// <summary>Stretches of the shard that are treated alike with respect to weight decay, neighbours joined.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="decays">Whether a parameter decays.</param>
    protected static IEnumerable<(long Start, long Length, bool Decays)> Stretches(FlatShard shard, Func<Parameter, bool> decays)
    {
        long start = 0, length = 0;
        var current = false;
        foreach (var range in shard.Ranges)
        {
            var decay = decays(range.Parameter);
            if (length > 0 && decay == current && range.Start == start + length)
            {
                length += range.Length;
                continue;
            }

            if (length > 0)
                yield return (start, length, current);
            (start, length, current) = (range.Start, range.Length, decay);
        }

        if (length > 0)
            yield return (start, length, current);
    }

    private Tensor[] State(FlatShard shard)
    {
        if (!_states.TryGetValue(shard, out var state))
            _states[shard] = state = [.. StateNames.Select(name => shard.AllocateState($"{shard.Name}.{name}"))];
        return state;
    }
}

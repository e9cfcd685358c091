using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Checkpoints;

/// <summary>Everything that training changes, as tensors by name: a model's values and what its optimizer keeps for them, on one rank.</summary>
/// <remarks>
/// <para>Who stores what: the ranks of a shard group hold each element of a unit once, as slices. Where several groups hold the same slices (hybrid sharding), each stores
/// a part of every slice, cut at multiples of <see cref="StateSlice.AlignmentEntries"/>. So each byte is stored once over all ranks, and
/// all ranks write alike.</para>
/// <para>Names and whole shapes depend on the model and the optimizer alone, never on ranks or stages: that is why any world can load what any other saved.</para>
/// </remarks>
internal sealed class TrainingState
{
    private const string OptimizerSteps = "optimizer.steps";

    private const string LossScale = "loss_scaler.scale";
    private const string LossScalerSteps = "loss_scaler.steps";
    private const string LossScalerOverflow = "loss_scaler.last_overflow";
    private const string LossScalerHysteresis = "loss_scaler.hysteresis";

    private readonly List<StateSlice> _slices = [];
    private readonly List<UnitLayout> _leftOut = [];
    private readonly int _replicas;
    private readonly int _replica;

    public TrainingState(ShardedModule module, Optimizer optimizer)
    {
        Module = module;
        Optimizer = optimizer;
        _replicas = module.Group.Size / module.ShardGroup.Size;
        _replica = module.Group.Rank / module.ShardGroup.Size;
        var units = module.Slices();
        foreach (var unit in units)
        {
            // A unit is fixed as a whole or not at all.
            if (unit.Layout.Placements[0].Parameter.IsFixed)
            {
                _leftOut.Add(unit.Layout);
                continue;
            }

            _slices.Add(StateSlice.OfValues(unit));
        }

        foreach (var shard in module.Shards)
        {
            var unit = units.First(u => u.Layout.Name == shard.Name);
            var states = optimizer.StateOf(shard);
            for (var i = 0; i < states.Count; i++)
                _slices.Add(StateSlice.OfState(optimizer.States[i], shard, unit, states[i]));
        }
    }

    public ShardedModule Module { get; }

    public Optimizer Optimizer { get; }

    /// <summary>What training never changes and checkpoints do not hold; null where there is no such thing.</summary>
    public CheckpointFixed? LeftOut => _leftOut.Count == 0 ? null : new CheckpointFixed(_leftOut.Sum(u => u.Placements.Count), _leftOut.Sum(u => u.Placements.Sum(p => p.Parameter.ValueShape.Elements)));

    /// <summary>This rank's slices, the same units and states in the same order on every rank.</summary>
    public IReadOnlyList<StateSlice> Slices => _slices;

    /// <summary>What this rank stores.</summary>
    public IEnumerable<(StateSlice Slice, StateRun Run)> Owned() => _slices.SelectMany(slice =>
    {
        var (start, length) = Part(slice, _replica);
        return slice.Runs(start, length).Select(run => (slice, run));
    });

    /// <summary>The part of a slice that this rank stores, and reads.</summary>
    public (long Start, long Length) OwnedPart(StateSlice slice) => Part(slice, _replica);

    /// <summary>Single values, the same on every rank: how often the optimizer has stepped and, in half precision, where the loss scaler stands.</summary>
    public IReadOnlyDictionary<string, double> Scalars()
    {
        var scalars = new Dictionary<string, double> { [OptimizerSteps] = Optimizer.Steps };
        if (Module.LossScaler is { State: var scaler })
        {
            scalars[LossScale] = scaler.Scale;
            scalars[LossScalerSteps] = scaler.Steps;
            scalars[LossScalerOverflow] = scaler.LastOverflow;
            scalars[LossScalerHysteresis] = scaler.Hysteresis;
        }

        return scalars;
    }

    /// <summary>Takes what <see cref="Scalars"/> gave; a loss scaler starts anew where it was saved without one.</summary>
    public void Restore(IReadOnlyDictionary<string, double> scalars)
    {
        Optimizer.Resume((long)scalars.GetValueOrDefault(OptimizerSteps));
        if (Module.LossScaler is { } scaler && scalars.TryGetValue(LossScale, out var scale))
        {
            scaler.State = new LossScalerState(
                scale, (long)scalars.GetValueOrDefault(LossScalerSteps), (long)scalars.GetValueOrDefault(LossScalerOverflow, -1),
                (int)scalars.GetValueOrDefault(LossScalerHysteresis, 1));
        }
    }

    /// <summary>Brings what each rank has read of its slices to all ranks that hold them. Every rank calls it.</summary>
    public void Publish()
    {
        var replicas = _replicas == 1
            ? null
            : Module.Group.CreateSubgroup("replicas", [.. Enumerable.Range(0, _replicas).Select(r => (r * Module.ShardGroup.Size) + Module.ShardGroup.Rank)]);
        foreach (var slice in _slices)
        {
            for (var replica = 0; replicas is not null && replica < _replicas; replica++)
            {
                var (start, length) = Part(slice, replica);
                if (length > 0)
                    replicas.Broadcast($"restore {slice.Prefix}{slice.Unit.Layout.Name}", slice.Buffer.Slice(start, length), replica).WaitInputs();
            }
            if (slice.IsWhole)
                Module.ShardGroup.AllGather($"restore {slice.Prefix}{slice.Unit.Layout.Name}", slice.Buffer, CollectiveBuffer.Of(slice.Memory)).WaitInputs();
        }
        Module.PublishSlices();
    }

    private (long Start, long Length) Part(StateSlice slice, int replica)
    {
        var blocks = slice.Entries / slice.AlignmentEntries;
        var start = blocks * replica / _replicas;
        var end = blocks * (replica + 1) / _replicas;
        return (start * slice.AlignmentEntries, (end - start) * slice.AlignmentEntries);
    }
}

using System.Diagnostics.CodeAnalysis;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>A model distributed over ranks: its schedule, its shards for the optimizer, and the steps it runs.</summary>
public sealed partial class ShardedModule : IFlatParameters
{
    private readonly UnitRuntime[] _units;
    private readonly StepExecutor _executor;
    private readonly GradientClipper _clipper;
    private readonly ParameterAccess _access;
    private readonly ShardingPolicy _effective;
    private readonly ShardingGroups _groups;
    private ModelUnits _cut;
    private long _nextStep;

    internal ShardedModule(Module model, ShardingGroups groups, TensorContext tensors, ShardingPolicy policy, ShardingOptions options, CancellationToken cancellation)
    {
        Module = model;
        Group = groups.World;
        ShardGroup = groups.Shard;
        Tensors = tensors;
        Policy = policy;
        MixedPrecision = options.MixedPrecision;
        LossScaler = options.LossScaler is { } scaler ? new LossScaler(scaler) : null;
        GradientAccumulationSteps = options.GradientAccumulationSteps;

        // Alone there is nobody to share with: everything is whole and there are no collectives.
        _effective = Group.Size == 1 ? policy with { Stage = 0, Overrides = [] } : policy;
        _groups = groups;
        _cut = ModelUnits.Of(model, _effective, ShardGroup.Size, options.FreezeGroups, MixedPrecision);
        options.ActivationCheckpointing?.Mark(_cut.Blocks);
        if (_cut.Blocks[0].Recomputes)
            throw new ArgumentException("The model itself cannot be checkpointed, only blocks and layers in it: its units would be gathered inside their own backward.");
        _units = [.. _cut.Units.Select(plan => new UnitRuntime(plan, tensors, groups, GradientAccumulationSteps))];
        _clipper = new GradientClipper(groups, tensors, LossScaler);
        _access = new ParameterAccess(_units, ShardGroup, tensors);
        Declare();
        var source = options.Source ?? new InitialValues(tensors.Random.Seed);
        foreach (var unit in _units.Where(u => u.Layout.Elements > 0))
            unit.Parameters.Fill(source);
        _executor = new StepExecutor(_units, _cut.Blocks, groups, cancellation);
        foreach (var block in _cut.Blocks)
            block.Module.Hooks = new UnitHooks(_executor, tensors, block.Units[0], MixedPrecision);
    }

    /// <summary>The model.</summary>
    public Module Module { get; }

    /// <summary>The ranks it is distributed over.</summary>
    public ProcessGroup Group { get; }

    /// <summary>The ranks among which states are sharded: all of <see cref="Group"/>, or this rank's part of it under hybrid sharding.</summary>
    public ProcessGroup ShardGroup { get; }

    /// <summary>The rank's tensors.</summary>
    public TensorContext Tensors { get; }

    /// <summary>What is sharded.</summary>
    public ShardingPolicy Policy { get; }

    /// <summary>In which types it computes; <see cref="StepSchedule.PrecisionOf"/> has those of each unit.</summary>
    public MixedPrecisionPolicy MixedPrecision { get; }

    /// <summary>What scales the losses of <see cref="TrainingStep.Backward(Tensor)"/>; null where nothing does. See <see cref="AcceptGradients"/>.</summary>
    public LossScaler? LossScaler { get; }

    /// <summary>What the losses of the step at hand are multiplied with; 1 where nothing scales them.</summary>
    internal double LossScale => _clipper.LossScale;

    /// <summary>Forward and backward passes of each step.</summary>
    public int GradientAccumulationSteps { get; }

    /// <summary>The units: the root first.</summary>
    public IReadOnlyList<UnitLayout> Units => TrainingSchedule.Units;

    /// <summary>The events of a training step. What is frozen is part of it: <see cref="Freeze"/> and <see cref="Unfreeze"/> declare it anew.</summary>
    public StepSchedule TrainingSchedule { get; private set; }

    /// <summary>The events of a forward pass without gradients.</summary>
    public StepSchedule EvaluationSchedule { get; private set; }

    /// <summary>What this rank updates: a shard of each unit that is not frozen.</summary>
    public IReadOnlyList<FlatShard> Shards { get; private set; }

    /// <inheritdoc/>
    public IEnumerable<string> Names => Units.SelectMany(unit => unit.Placements, (_, placement) => placement.Name);

    /// <summary>Told each event as it happens; null for nobody.</summary>
    public IScheduleObserver? Observer
    {
        get => _executor.Observer;
        set => _executor.Observer = value;
    }

    /// <summary>Opens a training step: forward, backward (as often as <see cref="GradientAccumulationSteps"/> says), then the optimizer.</summary>
    /// <param name="step">The step's number, which keys random numbers such as dropout; by default steps are counted from 0.</param>
    /// <param name="firstSample">The index in the global batch of this rank's first row; by default each rank has numbers of its own, and dropout then depends on
    /// the number of ranks.</param>
    /// <exception cref="InvalidOperationException">A step or an evaluation is open already.</exception>
    public TrainingStep BeginStep(long? step = null, long? firstSample = null)
    {
        _access.RequireNothingHeld("BeginStep");
        _executor.Begin(TrainingSchedule);
        _clipper.Reset();
        _nextStep = step ?? _nextStep;
        return new TrainingStep(this, _executor, _nextStep++, firstSample);
    }

    /// <summary>Agrees with the other ranks on the next step: one all-reduce of two numbers. Every rank calls it before each <see cref="BeginStep"/>.</summary>
    /// <param name="targets">How many targets this rank has for the step, in all its micro-batches; 0 when it has run out.</param>
    /// <param name="mode">What happens when some ranks have none.</param>
    public StepAgreement Agree(long targets, UnevenInputs mode)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(targets);
        Span<double> sums = [targets, targets > 0 ? 1 : 0];
        Group.AllReduce("samples left", sums, ReduceOp.Sum);

        var (total, ranks) = ((long)sums[0], (int)sums[1]);
        return new StepAgreement(mode == UnevenInputs.Stop ? ranks == Group.Size : ranks > 0, total, Group.Size);
    }

    /// <summary>Opens an evaluation: one forward pass without gradients.</summary>
    /// <exception cref="InvalidOperationException">A step or an evaluation is open already.</exception>
    public EvaluationPass BeginEvaluation()
    {
        _access.RequireNothingHeld("BeginEvaluation");
        _executor.Begin(EvaluationSchedule);
        return new EvaluationPass(Tensors, _executor);
    }

    /// <summary>The norm of all gradients, over all ranks; those of a shared parameter count once. The same bits at every stage of one world size.</summary>
    /// <param name="kind">Which norm.</param>
    /// <returns>The norm, one number on the device; valid until the next norm is asked for.</returns>
    /// <exception cref="InvalidOperationException">The gradients are not complete.</exception>
    public DeviceNumbers GradientNorm(NormKind kind = NormKind.Two)
    {
        RequireGradients(nameof(GradientNorm));
        return _clipper.Norm(kind);
    }

    /// <summary>Scales the gradients so that their norm is at most <paramref name="maxNorm"/>, as PyTorch's <c>clip_grad_norm_</c>: by max / (norm + 1e-6) if that is below 1.</summary>
    /// <param name="maxNorm">The largest norm.</param>
    /// <param name="kind">Which norm.</param>
    /// <returns>The norm before clipping, one number on the device; valid until the next norm is asked for.</returns>
    /// <remarks>The host reads nothing. The factor is applied while the optimizer reads the gradients, so clipping costs no pass over memory.</remarks>
    public DeviceNumbers ClipGradientNorm(double maxNorm, NormKind kind = NormKind.Two)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNorm);
        RequireGradients(nameof(ClipGradientNorm));
        return _clipper.Clip(maxNorm, kind);
    }

    /// <summary>Tells the loss scaler how a step went, which moves the scale of the next step, and whether the step counts: not where a gradient, on any rank, is infinite or not a number.</summary>
    /// <param name="norm">What <see cref="GradientNorm"/> or <see cref="ClipGradientNorm"/> gave: it is finite just where all gradients are, and the same on every rank.</param>
    /// <returns>Whether the step counts; always true where losses are not scaled.</returns>
    /// <remarks>
    /// The optimizers leave the update out by themselves, on the device, from the latest norm of the step. So the optimizer steps first and the norm is read behind it, once and
    /// with whatever else the host wants to know; a step that does not count is taken back with <see cref="Optimizer.TakeBack"/>. Who asks before the optimizer just does not step.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The gradients are not complete.</exception>
    /// <exception cref="LossScaleException">They overflow at the smallest scale.</exception>
    public bool AcceptGradients(double norm)
    {
        if (!_executor.HasGradients)
            throw new InvalidOperationException("AcceptGradients needs complete gradients: call it after the last Backward() of a step, while the step is open.");
        if (LossScaler is null || !Tensors.Device.HasMemory)
            return true;
        var overflow = !double.IsFinite(norm);
        LossScaler.Update(overflow);
        return !overflow;
    }

    /// <summary>Limits each element of the gradients to [-<paramref name="limit"/>, <paramref name="limit"/>], as PyTorch's <c>clip_grad_value_</c>. No collective.</summary>
    /// <param name="limit">The largest magnitude.</param>
    /// <remarks>
    /// Where losses are scaled, infinities stay, so that a norm taken afterwards still tells of an overflow, and the step is left out
    /// with all of its gradients.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The gradients are not complete, or were clipped by norm before: values come first.</exception>
    public void ClipGradientValue(double limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        RequireGradients(nameof(ClipGradientValue));
        if (_clipper.HasClipped)
            throw new InvalidOperationException("ClipGradientValue came after ClipGradientNorm, whose factor is applied by the optimizer; clip values first.");
        _clipper.ClipValue(limit);
    }

    /// <summary>Freezes parameters between steps: gathered and used as before, but without gradient, reduction and update.</summary>
    /// <param name="pattern">A <see cref="NamePattern"/> of their names.</param>
    /// <returns>The shards that are not updated any more. Their optimizer state is kept as it is, unless it is given to <see cref="Optimizer.DropState"/>.</returns>
    /// <remarks>Every rank calls it alike. Nothing is moved: what can be frozen by itself is a flat unit, that is, a whole block or what a pattern of
    /// <see cref="ShardingOptions.Frozen"/> or <see cref="ShardingOptions.Freezable"/> has set apart.</remarks>
    /// <exception cref="ArgumentException">Nothing matches, all would be frozen, or the pattern cuts through a flat unit; the message says which.</exception>
    /// <exception cref="InvalidOperationException">A step or an evaluation is open.</exception>
    public IReadOnlyList<FlatShard> Freeze(string pattern) => SetFrozen(pattern, true);

    /// <summary>Makes frozen parameters trainable again, between steps. Optimizer state that was kept goes on; what was dropped or never made begins at zero.</summary>
    /// <remarks>Parameters that were frozen from the beginning in a type of their own have had no fp32 masters: these are made from them here, and stay.</remarks>
    /// <param name="pattern">A <see cref="NamePattern"/> of their names.</param>
    /// <returns>The shards that are updated again.</returns>
    /// <exception cref="ArgumentException">Nothing matches, the pattern cuts through a flat unit, or codes (U8) would train; the message says which.</exception>
    /// <exception cref="InvalidOperationException">A step or an evaluation is open.</exception>
    public IReadOnlyList<FlatShard> Unfreeze(string pattern) => SetFrozen(pattern, false);

    /// <inheritdoc/>
    public void Update(Action<FlatShard, Tensor?> update)
    {
        ArgumentNullException.ThrowIfNull(update);
        _access.RequireNothingHeld("The optimizer steps");
        _executor.RunUpdates(shard => update(shard, _clipper.Scale));
    }

    /// <inheritdoc/>
    public void Rewrite(Action<FlatShard> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        _access.RequireNothingHeld("Values are rewritten");
        if (_executor.IsOpen)
            throw new InvalidOperationException("Values are rewritten while a step or an evaluation is open; dispose it before.");
        foreach (var unit in _units.Where(u => !u.IsFrozen && u.Layout.Elements > 0))
        {
            unit.Parameters.WaitForReaders();
            change(unit.Shard);
            unit.Parameters.Publish();
        }
    }

    /// <inheritdoc/>
    public void SumOverRanks(string label, DeviceNumbers numbers) => ShardGroup.AllReduce(label, numbers, ReduceOp.Sum);

    /// <inheritdoc/>
    public void Gather(string label, Tensor own, Tensor whole)
    {
        var gather = ShardGroup.AllGather(label, CollectiveBuffer.Of(own), CollectiveBuffer.Of(whole));
        gather.Wait();
        gather.WaitInputs();
    }

    /// <inheritdoc/>
    public void SumSlices(string label, Tensor whole, Tensor own)
    {
        var sum = ShardGroup.ReduceScatter(label, CollectiveBuffer.Of(whole), CollectiveBuffer.Of(own), ReduceOp.Sum);
        sum.Wait();
        sum.WaitInputs();
    }

    /// <summary>Visits every parameter with its whole fp32 value, gathered unit by unit; every rank calls it, and only the visitor of rank 0 is called unless <paramref name="everyRank"/>.</summary>
    /// <param name="visit">Receives the full name and the value, valid during the call.</param>
    /// <param name="everyRank">Whether all ranks visit.</param>
    /// <param name="of">Which parameters, by full name; all by default. Units that have none of them are not gathered.</param>
    public void VisitParameters(Action<string, Tensor> visit, bool everyRank = false, Func<string, bool>? of = null)
    {
        ArgumentNullException.ThrowIfNull(visit);
        for (var i = 0; i < _units.Length; i++)
        {
            var wanted = _units[i].Layout.Placements.Where(p => of?.Invoke(p.Name) ?? true).ToList();
            if (of is not null && wanted.Count == 0)
                continue;
            using var noGrad = Tensors.NoGrad();
            using var held = _access.HoldValues(i);
            if (everyRank || Group.Rank == 0)
                foreach (var placement in wanted)
                    visit(placement.Name, Tensors.View(held.Value.Storage, placement.Offset, placement.Parameter.Shape));
        }
    }

    /// <summary>This rank's slice of each unit that has elements: where a model's values are held once over the ranks of <see cref="ShardGroup"/>, at every stage.</summary>
    /// <remarks>Who writes into them between steps calls <see cref="PublishSlices"/> afterwards.</remarks>
    public IReadOnlyList<UnitSlice> Slices() =>
        [.. _units.Where(u => u.Layout.Elements > 0).Select(u => new UnitSlice(u.Layout, u.Layout.ShardStart(ShardGroup.Rank), u.Parameters.Slice))];

    /// <summary>Brings values that were written into <see cref="Slices"/> to the ranks that hold whole parameters. Every rank calls it, between steps.</summary>
    public void PublishSlices()
    {
        foreach (var unit in _units.Where(u => u.Layout.Elements > 0))
            unit.Parameters.Publish();
    }

    private IReadOnlyList<FlatShard> SetFrozen(string pattern, bool frozen)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        if (_executor.IsOpen)
            throw new InvalidOperationException("A step or an evaluation is open; freeze and unfreeze between steps.");
        var changed = Freezing.Units(_cut, pattern, frozen);
        var before = _cut;
        _cut = _cut.With(changed, frozen);
        try
        {
            Declare();
        }
        catch
        {
            _cut = before;
            throw;
        }

        foreach (var unit in changed)
            if (frozen)
                _units[unit].Freeze();
            else
                _units[unit].Thaw();
        return [.. changed.Order().Select(unit => _units[unit].Shard)];
    }

    // Everything that follows from which units train.
    [MemberNotNull(nameof(TrainingSchedule), nameof(EvaluationSchedule), nameof(Shards))]
    private void Declare()
    {
        if (_cut.Units.All(u => !u.Trains))
            throw new ArgumentException(Freezing.NothingToTrain);
        var mesh = new MeshExtent(_groups.Replicate?.Size ?? 1, ShardGroup.Size);
        TrainingSchedule = new StepScheduleBuilder(_cut, _effective, mesh).Training(GradientAccumulationSteps);
        EvaluationSchedule = new StepScheduleBuilder(_cut, _effective, mesh).Evaluation();
        UnitRuntime[] training = [.. _units.Where((_, i) => _cut.Units[i].Trains)];
        Shards = [.. training.Select(u => u.Shard)];
        _clipper.Units = training;
        MakeBuckets();
    }

    private void MakeBuckets()
    {
        foreach (var unit in _units)
            unit.Bucket = null;
        for (var i = 0; i < _units.Length; i++)
        {
            if (!_cut.Units[i].Trains || _units[i].Bucket is not null)
                continue;
            var members = TrainingSchedule.BucketOf(i).Select(u => _units[u]).ToList();
            var bucket = new GradientBucket([.. members.Select(m => m.Gradients)], Tensors, _groups, _units[i].Policy, GradientAccumulationSteps);
            foreach (var member in members)
                member.Bucket = bucket;
        }
    }

    private void RequireGradients(string operation)
    {
        if (!_executor.IsAtUpdate)
            throw new InvalidOperationException($"{operation} needs complete gradients: call it after the last Backward() of a step and before the optimizer.");
    }
}

using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>A model distributed over ranks: its schedule, its shards for the optimizer, and the steps it runs.</summary>
public sealed class ShardedModule : IFlatParameters
{
    private readonly UnitRuntime[] _units;
    private readonly StepExecutor _executor;
    private readonly GradientClipper _clipper;
    private long _nextStep;

    internal ShardedModule(Module model, ProcessGroup group, TensorContext tensors, ShardingPolicy policy, ShardingOptions options, CancellationToken cancellation)
    {
        Module = model;
        Group = group;
        Tensors = tensors;
        Policy = policy;
        GradientAccumulationSteps = options.GradientAccumulationSteps;

        // Alone there is nobody to share with: everything is whole and there are no collectives.
        var effective = group.Size == 1 ? policy with { Stage = 0 } : policy;
        var units = ModelUnits.Of(model, group.Size);
        Units = [.. units.Select(u => u.Layout)];
        var builder = new StepScheduleBuilder(Units, effective, group.Size);
        TrainingSchedule = builder.Training(GradientAccumulationSteps);
        EvaluationSchedule = new StepScheduleBuilder(Units, effective, group.Size).Evaluation();
        _units = [.. Units.Select(layout => new UnitRuntime(layout, tensors, group, effective, GradientAccumulationSteps))];
        Shards = [.. _units.Select(u => u.Shard)];
        var source = options.Source ?? new InitialValues(tensors.Random.Seed);
        foreach (var unit in _units)
            unit.Parameters.Fill(source);
        _executor = new StepExecutor(_units, cancellation);
        _clipper = new GradientClipper(_units, group, tensors);
        for (var i = 0; i < units.Count; i++)
            units[i].Module.Hooks = new UnitHooks(_executor, tensors, i);
    }

    /// <summary>The model.</summary>
    public Module Module { get; }

    /// <summary>The ranks it is distributed over.</summary>
    public ProcessGroup Group { get; }

    /// <summary>The rank's tensors.</summary>
    public TensorContext Tensors { get; }

    /// <summary>What is sharded.</summary>
    public ShardingPolicy Policy { get; }

    /// <summary>Forward and backward passes of each step.</summary>
    public int GradientAccumulationSteps { get; }

    /// <summary>The units: the root first.</summary>
    public IReadOnlyList<UnitLayout> Units { get; }

    /// <summary>The events of a training step.</summary>
    public StepSchedule TrainingSchedule { get; }

    /// <summary>The events of a forward pass without gradients.</summary>
    public StepSchedule EvaluationSchedule { get; }

    /// <inheritdoc/>
    public IReadOnlyList<FlatShard> Shards { get; }

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
        _executor.Begin(TrainingSchedule);
        _clipper.Reset();
        _nextStep = step ?? _nextStep;
        return new TrainingStep(this, _executor, _nextStep++, firstSample);
    }

    /// <summary>Opens an evaluation: one forward pass without gradients.</summary>
    /// <exception cref="InvalidOperationException">A step or an evaluation is open already.</exception>
    public EvaluationPass BeginEvaluation()
    {
        _executor.Begin(EvaluationSchedule);
        return new EvaluationPass(Tensors, _executor);
    }

    /// <summary>The 2-norm of all gradients, over all ranks. The same bits at every stage of one world size.</summary>
    /// <exception cref="InvalidOperationException">The gradients are not complete.</exception>
    public double GradientNorm()
    {
        RequireGradients(nameof(GradientNorm));
        return _clipper.Norm();
    }

    /// <summary>Scales the gradients so that their 2-norm is at most <paramref name="maxNorm"/>, as PyTorch's <c>clip_grad_norm_</c>: by max / (norm + 1e-6) if that is below 1.</summary>
    /// <returns>The norm before clipping.</returns>
    /// <remarks>The factor is applied while the optimizer reads the gradients, so clipping costs no pass over memory.</remarks>
    public double ClipGradientNorm(double maxNorm)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNorm);
        RequireGradients(nameof(ClipGradientNorm));
        return _clipper.Clip(maxNorm);
    }

    /// <inheritdoc/>
    public void Update(Action<FlatShard, Tensor?> update)
    {
        ArgumentNullException.ThrowIfNull(update);
        _executor.RunUpdates(shard => update(shard, _clipper.Scale));
    }

    /// <summary>Visits every parameter with its whole value, gathered unit by unit; every rank calls it, and only the visitor of rank 0 is called unless <paramref name="everyRank"/>.</summary>
    /// <param name="visit">Receives the full name and the value, valid during the call.</param>
    /// <param name="everyRank">Whether all ranks visit.</param>
    public void VisitParameters(Action<string, Tensor> visit, bool everyRank = false)
    {
        ArgumentNullException.ThrowIfNull(visit);
        foreach (var unit in _units)
        {
            using var noGrad = Tensors.NoGrad();
            var sharded = Policy.ShardsParameters && Group.Size > 1;
            if (sharded)
            {
                unit.Parameters.StartGather();
                unit.Parameters.Wait();
            }

            if (everyRank || Group.Rank == 0)
                foreach (var placement in unit.Layout.Placements)
                    visit(placement.Name, placement.Parameter.Value.Detach());
            if (!sharded)
                continue;
            unit.Parameters.WaitForReaders();
            unit.Parameters.Release();
        }
    }

    private void RequireGradients(string operation)
    {
        if (!_executor.IsAtUpdate)
            throw new InvalidOperationException($"{operation} needs complete gradients: call it after the last Backward() of a step and before the optimizer.");
    }
}

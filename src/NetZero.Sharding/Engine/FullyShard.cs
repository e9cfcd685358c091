using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Distributes a model over ranks. The model's code does not change.</summary>
public static partial class FullyShard
{
    /// <summary>Gives the parameters of <paramref name="model"/> their memory, sharded as <paramref name="policy"/> says, and their initial values.</summary>
    /// <param name="model">A model without memory. Its declared units become units; other parameters the root unit.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="policy">What is sharded.</param>
    /// <param name="options">Accumulation and initial values.</param>
    /// <remarks>Every rank calls it with an equal model and policy.</remarks>
    public static ShardedModule Apply(Module model, RankContext rank, ShardingPolicy policy, ShardingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(rank);
        return Apply(model, rank.Group, rank.Tensors, policy, options, rank.Cancellation);
    }

    /// <summary>The same from a process group and a tensor context, such as a fake group and a context on Meta. Cancellation is looked at between units.</summary>
    /// <remarks>The ranks are laid out as <see cref="ShardingPolicy.ShardGroupSize"/> says.</remarks>
    /// <exception cref="ArgumentException">The policy cannot be or does not fit the model; the message says why.</exception>
    public static ShardedModule Apply(
        Module model, ProcessGroup group, TensorContext tensors, ShardingPolicy policy, ShardingOptions? options = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(policy);
        policy.Validate(group.Size);
        return Apply(model, ShardingGroups.MeshOf(group, policy), tensors, policy, options, cancellation);
    }

    /// <summary>Checks that a policy and options fit a model and a number of ranks, before any of them has memory.</summary>
    /// <exception cref="ArgumentException">It does not: a setting that cannot be, a pattern that matches nothing, a parameter that two units share; the message says which.</exception>
    public static void Validate(Module model, ShardingPolicy policy, int worldSize, ShardingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(policy);
        policy.Validate(worldSize);
        options?.Validate();
        var cut = ModelUnits.Of(model, policy, worldSize, options?.FreezeGroups, options?.MixedPrecision);
        if (cut.Units.All(u => !u.Trains))
            throw new ArgumentException(Freezing.NothingToTrain);
        options?.ActivationCheckpointing?.Mark(cut.Blocks);
    }

    /// <summary>The same over a mesh with the axis <c>shard</c>, or <c>replicate</c> and <c>shard</c>: states are sharded along <c>shard</c> and repeated along <c>replicate</c>.</summary>
    /// <exception cref="ArgumentException">The policy or the mesh cannot be, they contradict each other, or they do not fit the model; the message says why.</exception>
    public static ShardedModule Apply(
        Module model, DeviceMesh mesh, TensorContext tensors, ShardingPolicy policy, ShardingOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(mesh);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(policy);
        options ??= new ShardingOptions();
        options.Validate();
        var groups = new ShardingGroups(mesh);
        if (policy.ShardGroupSize != 0 && policy.ShardGroupSize != groups.Shard.Size)
            throw new ArgumentException($"ShardGroupSize is {policy.ShardGroupSize}, but the mesh shards over {groups.Shard.Size} ranks; leave one of them out.", nameof(policy));
        var meant = policy with { ShardGroupSize = groups.Replicate is null ? 0 : groups.Shard.Size };
        meant.Validate(groups.World.Size);
        return new ShardedModule(model, groups, tensors, meant, options, cancellation);
    }
}

/// <summary>Settings of <see cref="FullyShard"/> beside the policy.</summary>
public sealed record ShardingOptions
{
    /// <summary>Forward and backward passes of each step.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Where the parameters' values come from; by default their initialisers with the context's seed.</summary>
    public IParameterSource? Source { get; init; }

    /// <summary>Which blocks compute their activations again in backward; null leaves them as their own <see cref="Layer.Checkpoint"/> says.</summary>
    public ActivationCheckpointing? ActivationCheckpointing { get; init; }

    /// <summary>Parameters that are frozen from the beginning, as <see cref="NamePattern"/>s of their names: gathered and used, without gradient, reduction and optimizer state.</summary>
    public IReadOnlyList<string> Frozen { get; init; } = [];

    /// <summary>Parameters that <see cref="ShardedModule.Freeze"/> may freeze later and that are no whole block, as <see cref="NamePattern"/>s of their names.</summary>
    /// <remarks>What a pattern matches in a block lies in a flat unit of its own, as what is frozen does.</remarks>
    public IReadOnlyList<string> Freezable { get; init; } = [];

    /// <summary>In which types the model computes, reduces and accumulates, as a whole and by name.</summary>
    public MixedPrecisionPolicy MixedPrecision { get; init; } = MixedPrecisionPolicy.Single;

    /// <summary>How losses are scaled, for half precision; null does not scale them.</summary>
    public LossScalerOptions? LossScaler { get; init; }

    internal FreezeGroups FreezeGroups => new(Frozen, Freezable);

    internal void Validate()
    {
        if (GradientAccumulationSteps < 1)
            throw new ArgumentException($"GradientAccumulationSteps is {GradientAccumulationSteps}; it must be at least 1.");
        MixedPrecision.Validate();
        LossScaler?.Validate();
    }
}

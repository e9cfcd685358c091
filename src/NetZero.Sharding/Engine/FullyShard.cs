using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Distributes a model over ranks. The model's code does not change.</summary>
public static class FullyShard
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
    public static ShardedModule Apply(
        Module model, ProcessGroup group, TensorContext tensors, ShardingPolicy policy, ShardingOptions? options = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(policy);
        options ??= new ShardingOptions();
        options.Validate();
        return new ShardedModule(model, group, tensors, policy, options, cancellation);
    }
}

/// <summary>Settings of <see cref="FullyShard"/> beside the policy.</summary>
public sealed record ShardingOptions
{
    /// <summary>Forward and backward passes of each step.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Where the parameters' values come from; by default their initialisers with the context's seed.</summary>
    public IParameterSource? Source { get; init; }

    internal void Validate()
    {
        if (GradientAccumulationSteps < 1)
            throw new ArgumentException($"GradientAccumulationSteps is {GradientAccumulationSteps}; it must be at least 1.");
    }
}

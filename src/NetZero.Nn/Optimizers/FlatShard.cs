using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A stretch of flat memory that this rank updates: parameters and gradients side by side, and which parameter lies where.</summary>
public abstract class FlatShard
{
    /// <summary>The unit it belongs to.</summary>
    public abstract string Name { get; }

    /// <summary>The values, [n] of F32.</summary>
    public abstract Tensor Values { get; }

    /// <summary>Their gradients, [n] of any floating-point type, while there are some.</summary>
    public abstract Tensor Gradients { get; }

    /// <summary>What lies where; padding between and behind belongs to nobody and is not updated.</summary>
    public abstract IReadOnlyList<FlatRange> Ranges { get; }

    /// <summary>The names of all parameters of the unit, those included that have no part of this shard: the same on every rank.</summary>
    public virtual IReadOnlyList<string> ParameterNames => [.. Ranges.Select(range => range.ParameterName).Distinct()];

    /// <summary>The part of the shard whose sums this rank adds to those of others: all of it, or its slice where every rank has the whole.</summary>
    public virtual (long Start, long Length) Own => (0, Values.Elements);

    /// <summary>The whole unit, and which part of it the shard is. By itself a shard is the whole unit.</summary>
    public virtual FlatUnit Unit => new(Values.Elements, Ranges, 0, 0, 1);

    /// <summary>Memory for an optimizer's state of this shard, zeroed; the optimizer keeps it.</summary>
    public Tensor AllocateState(OptimizerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var memory = Values.Context.Empty([Entries(state)], state.DType, MemoryKind.Optimizer, $"{Name}.{state.Name}").Keep();
        memory.Clear();
        return memory;
    }

    /// <summary>Whether the shard is the whole unit, because every rank updates all of it.</summary>
    public bool IsWhole => Values.Elements == Unit.Elements;

    private long Entries(OptimizerState state)
    {
        if (state.Shapes is null)
            return state.Entries(Values.Elements);
        var layout = new StateLayout(state, Unit);
        return IsWhole ? layout.PaddedElements : layout.SliceElements;
    }
}

/// <summary>A stretch of a flat shard that belongs to one parameter.</summary>
/// <param name="ParameterName">The full name.</param>
/// <param name="Parameter">The parameter.</param>
/// <param name="ParameterStart">The element of the parameter that the stretch begins with.</param>
/// <param name="Start">Where in the shard it begins.</param>
/// <param name="Length">How many elements it has.</param>
public sealed record FlatRange(string ParameterName, Parameter Parameter, long ParameterStart, long Start, long Length);

/// <summary>A unit whose slices lie on several ranks.</summary>
/// <param name="Elements">Its elements with the padding: as many for each rank.</param>
/// <param name="Ranges">All parameters, where they lie in it.</param>
/// <param name="ShardStart">Where this rank's shard begins in it.</param>
/// <param name="Rank">This rank, among those that share it.</param>
/// <param name="Ranks">How many share it.</param>
public sealed record FlatUnit(long Elements, IReadOnlyList<FlatRange> Ranges, long ShardStart, int Rank, int Ranks);

/// <summary>The flat shards of a model, and the order in which they are updated.</summary>
public interface IFlatParameters
{
    /// <summary>What this rank updates.</summary>
    IReadOnlyList<FlatShard> Shards { get; }

    /// <summary>The full names of all parameters of the model, on whichever rank they lie.</summary>
    IEnumerable<string> Names { get; }

    /// <summary>Runs <paramref name="update"/> once for each shard, in the schedule's order, and whatever must follow (such as gathering what was updated).</summary>
    /// <param name="update">
    /// Receives the shard and, in F32, the factor that its gradients are to be multiplied with (clipping) and, in a second element where there is one, whether the update is left out
    /// because gradients overflowed (0 is not); null is 1 and not left out.
    /// </param>
    void Update(Action<FlatShard, Tensor?> update);

    /// <summary>Changes values between steps: runs <paramref name="change"/> once for each shard, when no other rank reads it, and brings what it wrote to the ranks that hold whole parameters. Every rank calls it alike.</summary>
    /// <param name="change">Receives the shard; there are no gradients.</param>
    void Rewrite(Action<FlatShard> change);

    /// <summary>Adds up numbers over the ranks that share the shards: one reduction. Called by every rank alike, within <see cref="Update"/>.</summary>
    /// <param name="label">What they are.</param>
    /// <param name="numbers">This rank's parts, which become the sums.</param>
    void SumOverRanks(string label, DeviceNumbers numbers);

    /// <summary>Puts the slices of all ranks side by side, and returns when they are there and nobody reads this rank's. Called by every rank alike, within <see cref="Update"/>.</summary>
    /// <param name="label">What they are.</param>
    /// <param name="own">This rank's slice, which lies where it belongs in <paramref name="whole"/>.</param>
    /// <param name="whole">[<see cref="FlatUnit.Elements"/>] of F32.</param>
    void Gather(string label, Tensor own, Tensor whole);

    /// <summary>Adds up whole units over the ranks; each gets its slice of the sum. Called by every rank alike, within <see cref="Update"/>.</summary>
    /// <param name="label">What they are.</param>
    /// <param name="whole">[<see cref="FlatUnit.Elements"/>] of F32, which is as it was afterwards but for the slice.</param>
    /// <param name="own">This rank's slice, which lies where it belongs in <paramref name="whole"/>.</param>
    void SumSlices(string label, Tensor whole, Tensor own);
}

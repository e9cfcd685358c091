using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>What the optimizer sees of a unit on this rank: its slice, or the whole where the optimizer is replicated (stage 0).</summary>
internal sealed class UnitShard : FlatShard
{
    private readonly UnitLayout _layout;
    private readonly UnitParameters _parameters;
    private readonly UnitGradients _gradients;
    private readonly bool _whole;

    public UnitShard(UnitLayout layout, UnitParameters parameters, UnitGradients gradients, ShardingPolicy policy, int rank)
    {
        _layout = layout;
        _parameters = parameters;
        _gradients = gradients;
        _whole = !policy.ShardsOptimizer;
        Own = (_whole ? layout.ShardStart(rank) : 0, layout.ShardElements);
        Unit = new FlatUnit(layout.PaddedElements, layout.Ranges(0, layout.PaddedElements), _whole ? 0 : layout.ShardStart(rank), rank, layout.WorldSize);
        ParameterNames = [.. layout.Placements.Select(p => p.Name)];
        Ranges = _whole ? layout.Ranges(0, layout.PaddedElements) : layout.Ranges(layout.ShardStart(rank), layout.ShardElements);
    }

    public override string Name => _layout.Name;

    public override Tensor Values => _whole ? _parameters.Values : _parameters.Slice;

    public override Tensor Gradients => _gradients.Resident;

    public override IReadOnlyList<FlatRange> Ranges { get; }

    public override IReadOnlyList<string> ParameterNames { get; }

    public override (long Start, long Length) Own { get; }

    public override FlatUnit Unit { get; }
}

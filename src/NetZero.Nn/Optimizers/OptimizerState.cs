using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A tensor that an optimizer keeps beside each flat shard.</summary>
/// <param name="Name">PyTorch's name where there is one, such as <c>exp_avg</c>.</param>
/// <param name="DType">The type of its entries.</param>
/// <param name="ElementsPerEntry">How many consecutive elements of the shard share an entry: 1, or a block's length. Divides the alignment of shards.</param>
public sealed record OptimizerState(string Name, DType DType, int ElementsPerEntry = 1)
{
    /// <summary>
    /// What is kept of a parameter of a shape, by name, where that has shapes of its own, such as a number for each row. Null where entries
    /// follow the elements. These tensors lie one after another in memory of their own, which is cut into slices as the unit is: see <see
    /// cref="StateLayout"/>.
    /// </summary>
    public Func<Shape, IReadOnlyList<(string Name, Shape Shape)>>? Shapes { get; init; }

    /// <summary>Entries beside a shard of <paramref name="elements"/> elements; codes come in whole blocks.</summary>
    public long Entries(long elements)
    {
        var blocks = (elements + FlatState.BlockElements - 1) / FlatState.BlockElements;
        return ElementsPerEntry > 1 || DType == DType.U8 ? blocks * FlatState.BlockElements / ElementsPerEntry : elements;
    }
}

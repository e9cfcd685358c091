using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y[.., :] = w[ids[..], :] in F32, with w [V, C] in codes; ids [..] I32; y [.., C]. No gradient.</summary>
public static class QuantizedEmbeddingOp
{
    /// <summary>Rows of a frozen table by their numbers.</summary>
    /// <param name="table">The table, in codes.</param>
    /// <param name="ids">Row numbers from 0 to V - 1, I32, of any shape.</param>
    /// <exception cref="ArgumentException">The table is not in codes, ids are not I32, or one lies outside of the table.</exception>
    public static unsafe Tensor QuantizedEmbedding(this FrozenMatrix table, Tensor ids)
    {
        SameContext.Check("QuantizedEmbedding", table.Elements, ids);
        if (table.Format is not { } format || ids.DType != DType.I32)
            throw new ArgumentException($"QuantizedEmbedding of {table.Elements} and {ids}: expected a table in codes and ids of I32.");
        ids = ids.Contiguous();
        var y = ids.Context.Empty([.. ids.Shape.Extents, table.Columns]);
        ids.Context.Launch(new QuantizedEmbeddingKernel((byte*)table.Elements.Bytes(), format, table.Rows, table.Columns, ids.Data<int>(), ids.Elements, y.Data<float>()));
        return y;
    }
}

using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>An operand of <see cref="GemmKernel"/>: any view of two dimensions and a batch, of any floating-point type; a transpose swaps the strides.</summary>
/// <param name="data">Element (0, 0) of batch item 0.</param>
/// <param name="rowStride">Elements from one row to the next.</param>
/// <param name="columnStride">Elements from one column to the next.</param>
/// <param name="batchStride">Elements from one batch item to the next; 0 uses the same matrix for all of them.</param>
internal readonly unsafe struct GemmMatrix(FloatPointer data, long rowStride, long columnStride, long batchStride = 0)
{
    /// <summary>Element (0, 0) of batch item 0.</summary>
    public readonly FloatPointer Elements = data;

    /// <summary>Elements from one row to the next.</summary>
    public readonly long RowStride = rowStride;

    /// <summary>Elements from one column to the next.</summary>
    public readonly long ColumnStride = columnStride;

    /// <summary>Elements from one batch item to the next.</summary>
    public readonly long BatchStride = batchStride;

    /// <summary>Lists the elements and the strides.</summary>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(Elements);
        arguments.Add(RowStride);
        arguments.Add(ColumnStride);
        arguments.Add(BatchStride);
    }

    /// <summary>The same elements with rows and columns exchanged.</summary>
    public GemmMatrix Transpose() => new(Elements, ColumnStride, RowStride, BatchStride);

    /// <summary>The address of element (0, 0) of batch item 0, of floats.</summary>
    public float* Data => Elements.Floats;

    /// <summary>The elements from element (row, column) of a batch item on.</summary>
    public FloatPointer ElementsAt(long batch, long row, long column) => Elements.At(batch * BatchStride + row * RowStride + column * ColumnStride);

    /// <summary>The address of element (row, column) of a batch item, of floats.</summary>
    public float* At(long batch, long row, long column) => Data + (batch * BatchStride + row * RowStride + column * ColumnStride);
}

namespace NetZero.Checkpoints;

/// <summary>One tensor of a safetensors file: what its header says, checked.</summary>
/// <param name="Name">The name, unique in the file.</param>
/// <param name="DType">The type of the elements.</param>
/// <param name="Shape">The sizes of the dims; empty for a scalar.</param>
/// <param name="OffsetBytes">Where the first element lies, from the start of the file.</param>
/// <param name="LengthBytes">The bytes of all elements.</param>
public sealed record SafetensorsTensor(
    string Name, SafetensorsDType DType, IReadOnlyList<long> Shape, long OffsetBytes, long LengthBytes)
{
    /// <summary>The number of elements: the product of the shape.</summary>
    public long ElementCount { get; } = Shape.Aggregate(1L, (product, size) => checked(product * size));
}

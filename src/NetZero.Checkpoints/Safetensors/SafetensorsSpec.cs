namespace NetZero.Checkpoints;

/// <summary>A tensor to write: everything but its elements.</summary>
/// <param name="Name">The name, unique in the file and not <c>__metadata__</c>.</param>
/// <param name="DType">The type of the elements, of whole bytes.</param>
/// <param name="Shape">The sizes of the dims; empty for a scalar.</param>
public sealed record SafetensorsSpec(string Name, SafetensorsDType DType, IReadOnlyList<long> Shape);

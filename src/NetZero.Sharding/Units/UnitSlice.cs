using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>A rank's slice of a unit: the values that are its own.</summary>
/// <param name="Layout">The unit.</param>
/// <param name="Start">The element of the flat buffer that the slice begins with.</param>
/// <param name="Values">The values, [<see cref="UnitLayout.ShardElements"/>] of F32, or of the type that frozen parameters have of their own; memory of the engine, resident between steps.</param>
public sealed record UnitSlice(UnitLayout Layout, long Start, Tensor Values);

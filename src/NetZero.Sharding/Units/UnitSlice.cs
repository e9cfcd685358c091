using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>A rank's slice of a unit: the master values that are its own.</summary>
/// <param name="Layout">The unit.</param>
/// <param name="Start">The element of the flat buffer that the slice begins with.</param>
/// <param name="Values">The values, [<see cref="UnitLayout.ShardElements"/>] of F32; memory of the engine, resident between steps.</param>
public sealed record UnitSlice(UnitLayout Layout, long Start, Tensor Values);

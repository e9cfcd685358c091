using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>What the fixed parameters under adapters are kept in.</summary>
/// <param name="DType">The floating-point type; null takes the run's.</param>
/// <param name="Format">The codes that matrices which are multiplied with are kept in (QLoRA, Dettmers et al. 2023); null keeps their values.</param>
public sealed record BaseStorage(DType? DType = null, BlockFormat? Format = null);

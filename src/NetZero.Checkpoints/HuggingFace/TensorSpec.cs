namespace NetZero.Checkpoints;

/// <summary>A tensor that a model has: the name that Hugging Face gives it (without <c>transformer.</c>) and its shape.</summary>
/// <param name="Name">For example <c>h.0.attn.c_attn.weight</c>.</param>
/// <param name="Shape">The sizes of the dims.</param>
public sealed record TensorSpec(string Name, IReadOnlyList<long> Shape);

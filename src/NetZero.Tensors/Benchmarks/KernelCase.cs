namespace NetZero.Tensors;

/// <summary>An op beside matrix multiply at a shape of training, and the least that it must compute or move.</summary>
/// <param name="Name">The op.</param>
/// <param name="Input">The shape of its input, F32.</param>
/// <param name="Cost">The least cost of its passes.</param>
/// <param name="Prepare">Makes what the op needs beside its input.</param>
internal sealed record KernelCase(string Name, Shape Input, KernelCost Cost, Func<TensorContext, Func<Tensor, Tensor>> Prepare)
{
    // 12 samples of 256 tokens, 384 channels in 6 heads, and GPT-2's vocabulary over 512 rows.
    private const long B = 12, T = 256, C = 384, H = 6, V = 50257, Rows = 512;

    /// <summary>The ops of a block and around it, at the shapes of `netzero bench train`.</summary>
    /// <remarks>
    /// Memory: a pass reads what it was given and writes what it makes, once. Backward of most reads its input (or output) and the gradient and writes a
    /// gradient. Attention: two products forward and five backward, 2 T^2 C FLOPs a sample each, halved by the causal mask.
    /// </remarks>
    public static IReadOnlyList<KernelCase> All { get; } =
    [
        new("LayerNorm", [B, T, C], KernelCost.Arrays(2, 5), tensors =>
        {
            var (weight, bias) = (Weight(tensors, C), Weight(tensors, C));
            return x => x.LayerNorm(weight, bias);
        }),
        new("RmsNorm", [B, T, C], KernelCost.Arrays(2, 5), tensors =>
        {
            var weight = Weight(tensors, C);
            return x => x.RmsNorm(weight);
        }),
        new("GELU", [B, T, 4 * C], KernelCost.Arrays(2, 5), _ => x => x.Gelu()),
        new("SiLU", [B, T, 4 * C], KernelCost.Arrays(2, 5), _ => x => x.Silu()),
        new("Softmax", [B, H, T, T], KernelCost.Arrays(2, 5), _ => x => x.Softmax()),
        new("Dropout", [B, T, C], KernelCost.Arrays(2, 4), _ => x => x.Dropout(0.1)),
        new("Rotary", [B, T, H, C / H], KernelCost.Arrays(2, 4), _ => x => x.Rotary()),
        new("Add", [B, T, C], KernelCost.Arrays(3), tensors =>
        {
            var other = tensors.Full([B, T, C], 0.5f).Keep();
            return x => x + other;
        }),
        new("Transposed copy", [B, T, H, C / H], KernelCost.Arrays(2, 4), _ => x => x.Permute(0, 3, 2, 1).Contiguous()),
        new("Embedding", [B * T, C], KernelCost.Arrays(2, 4), tensors =>
        {
            var ids = tensors.From<int>([.. Enumerable.Range(0, (int)(B * T)).Select(i => i * 7 % (int)(B * T))], [B, T]).Keep();
            return x => x.Embedding(ids);
        }),
        new("Cross-entropy", [Rows, V], KernelCost.Arrays(1, 3), tensors =>
        {
            var targets = tensors.From<int>([.. Enumerable.Range(0, (int)Rows)], [Rows]).Keep();
            return x => x.CrossEntropy(targets);
        }),
        new("Attention", [B, T, 3 * C], KernelCost.Flops(2.0 * B * T * T * C, 7.0 * B * T * T * C), _ => x => x.CausalAttention(H)),
    ];

    private static Tensor Weight(TensorContext tensors, long count) => tensors.Full([count], 0.5f).Keep().RequireGrad();
}

/// <summary>The least that an op's forward pass, and forward and backward together, compute or move.</summary>
/// <param name="InArrays">Whether the figures are arrays of the input's size that are read or written; otherwise they are floating-point operations.</param>
/// <param name="Forward">Of the forward pass.</param>
/// <param name="Both">Of forward and backward; 0 where backward has nothing to do.</param>
internal readonly record struct KernelCost(bool InArrays, double Forward, double Both)
{
    public static KernelCost Arrays(int forward, int both = 0) => new(true, forward, both);

    public static KernelCost Flops(double forward, double both) => new(false, forward, both);
}

namespace NetZero.Nn;

/// <summary>How the weight of a <see cref="Linear"/> lies in memory, which is also how files store it.</summary>
public enum WeightLayout
{
    /// <summary>[out, in], as PyTorch's <c>Linear</c>.</summary>
    OutIn,

    /// <summary>[in, out], as GPT-2's <c>Conv1D</c>.</summary>
    InOut,
}

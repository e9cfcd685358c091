namespace NetZero.Tensors;

/// <summary>Refuses operands of different contexts: their memory, ledgers and tapes have nothing to do with each other.</summary>
internal static class SameContext
{
    /// <summary>Checked by every op of several operands before it launches anything.</summary>
    /// <exception cref="ArgumentException">The operands belong to two contexts.</exception>
    public static void Check(string op, Tensor a, Tensor b)
    {
        if (!ReferenceEquals(a.Context, b.Context))
        {
            throw new ArgumentException(
                $"{op} of {a} and {b}: they belong to different tensor contexts, of ranks or devices of their own; copy one through the host.");
        }
    }

    /// <inheritdoc cref="Check(string, Tensor, Tensor)"/>
    public static void Check(string op, ReadOnlySpan<Tensor> operands)
    {
        foreach (var operand in operands)
            Check(op, operands[0], operand);
    }
}

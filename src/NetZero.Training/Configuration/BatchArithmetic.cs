namespace NetZero.Training;

/// <summary>
/// The three batch sizes: train_batch_size = ranks x train_micro_batch_size_per_gpu x gradient_accumulation_steps. Any two give the third;
/// alone, the global batch or the micro-batch goes without accumulation.
/// </summary>
internal static class BatchArithmetic
{
    private const string Global = "train_batch_size";
    private const string Micro = "train_micro_batch_size_per_gpu";
    private const string Accumulation = "gradient_accumulation_steps";

    /// <summary>Fills in what is 0. When that is not possible, the problem is returned and the sizes are not to be used.</summary>
    public static (int Global, int Micro, int Accumulation, string? Problem) Complete(int global, int micro, int accumulation, int ranks)
    {
        if (global == 0 && micro == 0)
            return (0, 0, 0, $"no batch size: give '{Global}' or '{Micro}', or any two of these and '{Accumulation}'");
        if (global == 0)
        {
            accumulation = Math.Max(accumulation, 1);
            var product = (Int128)ranks * micro * accumulation;
            return product <= int.MaxValue
                ? ((int)product, micro, accumulation, null)
                : (0, 0, 0, $"ranks {ranks} x {Micro} {micro} x {Accumulation} {accumulation} = {product} is more than {int.MaxValue}; choose less");
        }
        if (micro > 0 && accumulation > 0)
            return (global, micro, accumulation, Contradiction(global, micro, accumulation, ranks));
        if (micro > 0)
            return Third(global, ranks, (Micro, micro), out accumulation) is { } problem ? (0, 0, 0, problem) : (global, micro, accumulation, null);

        var given = accumulation > 0;
        accumulation = Math.Max(accumulation, 1);
        return Third(global, ranks, given ? (Accumulation, accumulation) : null, out micro) is { } failure
            ? (0, 0, 0, failure)
            : (global, micro, accumulation, null);
    }

    private static string? Contradiction(int global, int micro, int accumulation, int ranks)
    {
        var product = (Int128)ranks * micro * accumulation;
        return product == global
            ? null
            : $"'{Global}' is {global}, but ranks {ranks} x {Micro} {micro} x {Accumulation} {accumulation} = {product}; "
                + "change one of them, or leave one out and it follows from the others";
    }

    private static string? Third(int global, int ranks, (string Name, int Value)? other, out int third)
    {
        var product = (long)ranks * (other?.Value ?? 1);
        third = (int)(global / product);
        if (global % product == 0)
            return null;
        var factors = other is { } second ? $"ranks {ranks} x {second.Name} {second.Value} = {product}" : $"ranks {ranks}";
        var below = global / product * product;
        var above = Math.Min(below + product, int.MaxValue);
        return $"'{Global}' is {global}, which {factors} does not divide; use {(below > 0 ? $"{below} or {above}" : $"{above}")}";
    }
}

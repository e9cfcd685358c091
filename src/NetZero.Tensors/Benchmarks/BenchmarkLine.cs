namespace NetZero.Tensors;

/// <summary>One measured piece of work beside what the machine allows, both taken in turns within the same second.</summary>
/// <param name="Name">What ran.</param>
/// <param name="Work">How much of it: sizes, as text.</param>
/// <param name="Rate">What it reached: the best run of each round, and the median of those.</param>
/// <param name="Limit">What the machine reached in the same rounds, counted alike.</param>
/// <param name="Unit">Of both: GFLOP/s or GB/s (10^9 bytes).</param>
/// <param name="LimitName">What the limit is.</param>
/// <param name="Seconds">One run, at <paramref name="Rate"/>.</param>
public sealed record BenchmarkLine(string Name, string Work, double Rate, double Limit, string Unit, string LimitName, double Seconds)
{
    /// <summary>The share of the limit.</summary>
    public double Share => Rate / Limit;
}

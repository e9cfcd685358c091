namespace NetZero.Tensors;

/// <summary>What the machine can do at most: what a piece of work is held against.</summary>
/// <param name="Name">What it is called in results.</param>
/// <param name="Unit">Of its rate.</param>
/// <param name="Rate">How it is measured.</param>
internal readonly record struct Limit(string Name, string Unit, RateWithin Rate)
{
    /// <summary>Multiply-adds in registers on <paramref name="threads"/> threads, in GFLOP/s.</summary>
    public static Limit Fma(int threads) => new("FMA peak", "GFLOP/s", window => FmaPeak.MeasureGflops(threads, window));

    /// <summary>Measures work and limit in turns.</summary>
    /// <param name="name">What runs.</param>
    /// <param name="work">How much of it, as text.</param>
    /// <param name="amount">Billions of operations or bytes in one run.</param>
    /// <param name="run">The work.</param>
    /// <param name="seconds">The time for each of both.</param>
    /// <param name="cancellation">Looked at between windows.</param>
    public BenchmarkLine Beside(string name, string work, double amount, Action run, double seconds, CancellationToken cancellation)
    {
        var rates = Turns.Measure(seconds, cancellation, Turns.Of(amount, run), Rate);
        return new BenchmarkLine(name, work, rates[0], rates[1], Unit, Name, amount / rates[0]);
    }
}

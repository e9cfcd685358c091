using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>How a parameter starts. Values are keyed by (seed, full parameter name, element): never by rank, so any shard can be filled alone.</summary>
public abstract record Initializer
{
    /// <summary>All zeros.</summary>
    public static Initializer Zeros { get; } = new Constant(0);

    /// <summary>All ones.</summary>
    public static Initializer Ones { get; } = new Constant(1);

    /// <summary>Independent normal values of mean 0.</summary>
    public static Initializer Normal(float standardDeviation) => new NormalInitializer(standardDeviation);

    /// <summary>Independent uniform values between -<paramref name="bound"/> and <paramref name="bound"/>.</summary>
    public static Initializer Uniform(float bound) => new UniformInitializer(bound);

    /// <summary>Writes elements <paramref name="first"/>, <paramref name="first"/> + 1, ... of the parameter.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="name">The parameter's full name in the model.</param>
    /// <param name="first">The index of the first element in the whole parameter.</param>
    /// <param name="destination">Receives the values.</param>
    public abstract void Fill(long seed, string name, long first, Span<float> destination);

    private sealed record Constant(float Value) : Initializer
    {
        public override void Fill(long seed, string name, long first, Span<float> destination) => destination.Fill(Value);
    }

    private sealed record NormalInitializer(float StandardDeviation) : Initializer
    {
        public override unsafe void Fill(long seed, string name, long first, Span<float> destination)
        {
            fixed (float* target = destination)
                CounterRandom.FillNormal(target, first, destination.Length, 0, StandardDeviation, seed, CounterRandom.StreamOf(name));
        }
    }

    private sealed record UniformInitializer(float Bound) : Initializer
    {
        public override unsafe void Fill(long seed, string name, long first, Span<float> destination)
        {
            fixed (float* target = destination)
                CounterRandom.FillUniform(target, first, destination.Length, -Bound, Bound, seed, CounterRandom.StreamOf(name));
        }
    }
}

namespace NetZero.Nn;

/// <summary>Where the values of parameters come from: initialisers, or files. Asked for any range, so that a rank reads its shard only.</summary>
public interface IParameterSource
{
    /// <summary>Writes elements <paramref name="first"/>, <paramref name="first"/> + 1, ... of a parameter.</summary>
    /// <param name="name">The parameter's full name in the model.</param>
    /// <param name="parameter">The parameter.</param>
    /// <param name="first">The index of the first element in the whole parameter, row-major.</param>
    /// <param name="destination">Receives the values.</param>
    void Read(string name, Parameter parameter, long first, Span<float> destination);
}

/// <summary>The parameters' own initialisers, keyed by seed, name and element.</summary>
/// <param name="Seed">The run's seed.</param>
public sealed record InitialValues(long Seed) : IParameterSource
{
    /// <inheritdoc/>
    public void Read(string name, Parameter parameter, long first, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        parameter.Initializer.Fill(Seed, name, first, destination);
    }
}

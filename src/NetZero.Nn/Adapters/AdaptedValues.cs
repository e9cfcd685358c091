namespace NetZero.Nn;

/// <summary>Values of a model with adapters: those of its fixed parameters from one source, those of the adapters from another.</summary>
/// <param name="Base">Gives fixed parameters.</param>
/// <param name="Adapters">Gives the others.</param>
public sealed record AdaptedValues(IParameterSource Base, IParameterSource Adapters) : IParameterSource
{
    /// <inheritdoc/>
    public void Read(string name, Parameter parameter, long first, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        (parameter.IsFixed ? Base : Adapters).Read(name, parameter, first, destination);
    }
}

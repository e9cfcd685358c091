namespace NetZero.Collectives;

/// <summary>Whose call it is: part of the signature that ranks compare, and the name that errors, records and traces show.</summary>
/// <param name="Unit">The unit (block of the model) or purpose, such as <c>transformer.h.3</c> or <c>loss</c>. The same on every rank.</param>
public readonly record struct CallLabel(string Unit)
{
    /// <summary>A label from its unit's name.</summary>
    public static implicit operator CallLabel(string unit) => new(unit);
}

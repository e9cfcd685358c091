namespace NetZero.Planning.Fit;

/// <summary>One fitted constant: where it stands in a calibration, and what is believed of it before any row is seen.</summary>
/// <param name="Name">Profile and constant, or device.</param>
/// <param name="Prior">The value it has without rows.</param>
/// <param name="Spread">How far rows pull it, as a standard deviation of its logarithm.</param>
/// <param name="Most">The largest value that makes sense.</param>
/// <param name="Get">Its value in a calibration.</param>
/// <param name="Set">The calibration with another value.</param>
internal sealed record Coefficient(string Name, double Prior, double Spread, double Most, Func<Calibration, double> Get, Func<Calibration, double, Calibration> Set)
{
    /// <summary>What other profiles, or other devices, have of their own: the name without its owner.</summary>
    public string Kind => Name[(Name.IndexOfAny([':', '/']) + 1)..];
}

namespace NetZero.Planning;

/// <summary>One point of a scaling curve, as tables and figures show it.</summary>
/// <param name="Ranks">Ranks.</param>
/// <param name="Time">The step there.</param>
/// <param name="TokensPerSecond">Of all ranks.</param>
/// <param name="Efficiency">Speed of a rank relative to the first point's.</param>
/// <param name="PeakBytes">The peak of a rank.</param>
public sealed record CurvePoint(int Ranks, StepPrediction Time, double TokensPerSecond, double Efficiency, double PeakBytes)
{
    /// <summary>Exposed communication's share of the step.</summary>
    public double CommunicationShare => Time.ExposedSeconds / Time.StepSeconds;

    /// <summary>Whether links are busy for at least as long as the device computes.</summary>
    public bool CommunicationEqualsCompute => Time.CommunicationSeconds >= Time.ComputeSeconds;

    /// <summary>The points of a curve; efficiencies are relative to the first.</summary>
    public static IReadOnlyList<CurvePoint> Of(IEnumerable<(int Ranks, StepPrediction Time, double TokensPerSecond, double PeakBytes)> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        var points = new List<CurvePoint>();
        foreach (var (ranks, time, speed, peak) in steps)
        {
            var first = points.Count == 0 ? speed / ranks : points[0].TokensPerSecond / points[0].Ranks;
            points.Add(new CurvePoint(ranks, time, speed, speed / ranks / first, peak));
        }

        return points;
    }
}

namespace NetZero.Planning;

/// <summary>Draws a sweep: speed over the peak of a rank, the Pareto front joined up.</summary>
public static class ParetoFigure
{
    private const double CloseSpeeds = 0.6;
    private const double Left = 88, Right = 980, Top = 84, Bottom = 394, Width = 1000, Height = 452;

    /// <summary>The picture of a sweep.</summary>
    /// <param name="points">The combinations.</param>
    /// <param name="bytesOfRank">What a rank can have: drawn as a line, where it is within reach.</param>
    public static string Draw(IReadOnlyList<SweepPoint> points, double bytesOfRank)
    {
        ArgumentNullException.ThrowIfNull(points);
        var svg = new SvgText();
        var (most, least, fastest) = (points.Max(point => point.PeakBytes), points.Min(point => point.TokensPerSecond), points.Max(point => point.TokensPerSecond));

        // Speeds that are close to each other are told apart by an axis that does not begin at 0.
        var bottom = least > fastest * CloseSpeeds ? Math.Max(0, least - (2 * Math.Max(fastest - least, fastest * 0.01))) : 0;
        fastest += (fastest - bottom) * 0.05;
        var axis = ByteAxis.For((long)most);
        svg.Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{points.Count} combinations, tokens per second over peak memory\">");
        svg.Raw(FigureStyle.Css);
        svg.Line($"<rect class=\"page\" width=\"{Width}\" height=\"{Height}\"/><text class=\"title\" x=\"16\" y=\"26\">{points.Count} combinations: speed over memory</text>");
        svg.Line($"<circle class=\"front\" cx=\"22\" cy=\"44\" r=\"5\"/><text x=\"34\" y=\"48\">Pareto front</text><circle class=\"dot\" cx=\"130\" cy=\"44\" r=\"5\"/><text x=\"142\" y=\"48\">beaten in both</text><circle class=\"tight\" cx=\"252\" cy=\"44\" r=\"5\"/><text x=\"264\" y=\"48\">does not fit</text>");
        foreach (var tick in ByteAxis.Steps(bottom, fastest, 6))
            svg.Line($"<path class=\"grid\" d=\"M{Left} {Y(tick)}H{Right}\"/><text class=\"end small\" x=\"{Left - 8}\" y=\"{Y(tick) + 4}\">{Thousands(tick)}</text>");
        foreach (var tick in axis.Ticks())
            svg.Line($"<text class=\"middle small\" x=\"{X(tick)}\" y=\"{Bottom + 18}\">{axis.Label(tick)}</text>");
        if (bytesOfRank < axis.Top)
            svg.Line($"<path class=\"limit\" d=\"M{X(bytesOfRank)} {Top}V{Bottom}\"/><text class=\"end small\" x=\"{X(bytesOfRank) - 4}\" y=\"{Top + 10}\">memory of a rank</text>");
        var front = points.Where(point => point.IsPareto).OrderBy(point => point.PeakBytes).ToArray();
        svg.Line($"<path class=\"curve weak\" d=\"{string.Concat(front.Select((point, i) => $"{(i == 0 ? 'M' : 'L')}{SvgText.Number(X(point.PeakBytes))} {SvgText.Number(Y(point.TokensPerSecond))}"))}\"/>");
        foreach (var point in points.OrderBy(point => point.IsPareto))
        {
            var css = !point.Fits ? "tight" : point.IsPareto ? "front" : "dot";
            svg.Line($"<circle class=\"{css}\" cx=\"{X(point.PeakBytes)}\" cy=\"{Y(point.TokensPerSecond)}\" r=\"4.5\"><title>{point.Label}: {Thousands(point.TokensPerSecond)} tokens/s, {axis.Label(point.PeakBytes)} {axis.Unit}</title></circle>");
        }

        svg.Line($"<text class=\"middle\" x=\"{(Left + Right) / 2}\" y=\"{Height - 12}\">peak of a rank, {axis.Unit}</text><text class=\"end small\" x=\"{Left - 8}\" y=\"{Top - 6}\">tokens/s</text>");
        svg.Raw("</svg>");
        return svg.ToString();

        static string Thousands(double value) => value.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
        double X(double bytes) => Left + (bytes / axis.Top * (Right - Left));
        double Y(double speed) => Bottom - ((speed - bottom) / (fastest - bottom) * (Bottom - Top));
    }
}

namespace NetZero.Planning;

/// <summary>Draws scaling curves: the efficiency of a rank and the share of exposed communication over the number of ranks.</summary>
public static class ScalingFigure
{
    private const double Left = 78, Right = 980, Top = 62, Bottom = 352, Width = 1000, Height = 412;

    /// <summary>The picture of a weak and a strong curve over the same numbers of ranks.</summary>
    public static string Draw(IReadOnlyList<CurvePoint> weak, IReadOnlyList<CurvePoint> strong)
    {
        ArgumentNullException.ThrowIfNull(weak);
        ArgumentNullException.ThrowIfNull(strong);
        var svg = new SvgText();
        var all = weak.Concat(strong).ToArray();
        var (least, most) = (Math.Log2(all.Min(point => point.Ranks)), Math.Log2(all.Max(point => point.Ranks)));
        var top = Math.Max(1, all.Max(point => point.Efficiency)) * 1.05;
        svg.Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"Efficiency over ranks, weak and strong scaling\">");
        svg.Raw(FigureStyle.Css);
        svg.Line($"<rect class=\"page\" width=\"{Width}\" height=\"{Height}\"/><text class=\"title\" x=\"16\" y=\"26\">Scaling: speed of a rank, relative to that on {(all.Min(point => point.Ranks) is 1 ? "one" : $"one of {all.Min(point => point.Ranks)}")}</text>");
        svg.Raw("<path class=\"curve weak\" d=\"M16 44h22\"/><text x=\"44\" y=\"48\">weak: each rank keeps its samples</text><path class=\"curve strong-scaling\" d=\"M270 44h22\"/>"
            + "<text x=\"298\" y=\"48\">strong: the batch stays</text><path class=\"curve share\" d=\"M464 44h22\"/><text x=\"492\" y=\"48\">weak: exposed communication's share of the step</text>");
        foreach (var tick in ByteAxis.Steps(top, 6))
            svg.Line($"<path class=\"grid\" d=\"M{Left} {Y(tick)}H{Right}\"/><text class=\"end small\" x=\"{Left - 8}\" y=\"{Y(tick) + 4}\">{tick * 100} %</text>");
        foreach (var ranks in all.Select(point => point.Ranks).Distinct())
            svg.Line($"<text class=\"middle small\" x=\"{X(ranks)}\" y=\"{Bottom + 18}\">{ranks}</text>");
        Curve("weak", weak, point => point.Efficiency);
        Curve("strong-scaling", strong, point => point.Efficiency);
        Curve("share", weak, point => point.CommunicationShare);
        if (weak.FirstOrDefault(point => point.CommunicationEqualsCompute) is { } half)
            svg.Line($"<path class=\"limit\" d=\"M{X(half.Ranks)} {Top}V{Bottom}\"/><text class=\"end small\" x=\"{X(half.Ranks) - 4}\" y=\"{Top + 10}\">communication takes as long as compute</text>");
        svg.Line($"<text class=\"middle\" x=\"{(Left + Right) / 2}\" y=\"{Height - 12}\">ranks</text>");
        svg.Raw("</svg>");
        return svg.ToString();

        double X(int ranks) => most > least ? Left + 20 + ((Math.Log2(ranks) - least) / (most - least) * (Right - Left - 40)) : (Left + Right) / 2;
        double Y(double share) => Bottom - (share / top * (Bottom - Top));
        void Curve(string css, IReadOnlyList<CurvePoint> points, Func<CurvePoint, double> value)
        {
            if (points.Count > 0)
                svg.Line($"<path class=\"curve {css}\" d=\"{string.Concat(points.Select((point, i) => $"{(i == 0 ? 'M' : 'L')}{SvgText.Number(X(point.Ranks))} {SvgText.Number(Y(value(point)))}"))}\"/>");
            foreach (var point in points)
                svg.Line($"<circle class=\"curve {css}\" cx=\"{X(point.Ranks)}\" cy=\"{Y(value(point))}\" r=\"3\"><title>{point.Ranks} ranks: {value(point) * 100} %, {point.TokensPerSecond} tokens/s</title></circle>");
        }
    }
}

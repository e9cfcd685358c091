using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>Draws a simulated step as lanes: compute, links inside the node and the network, over milliseconds.</summary>
public static class LanesFigure
{
    private const double Left = 78, Right = 980, Top = 62, Row = 46, Width = 1000;

    /// <summary>The picture of a step.</summary>
    public static string Draw(IReadOnlyList<TimedTask> timeline)
    {
        ArgumentNullException.ThrowIfNull(timeline);
        var svg = new SvgText();
        var lanes = Enum.GetValues<Lane>().Where(lane => lane == Lane.Compute || timeline.Any(task => task.Task.Lane == lane)).ToArray();
        var (end, height) = (timeline.Max(task => task.End) * 1e3, Top + lanes.Length * Row + 46);
        svg.Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"The simulated step: {end} ms\">");
        svg.Raw(FigureStyle.Css);
        svg.Line($"<rect class=\"page\" width=\"{Width}\" height=\"{height}\"/><text class=\"title\" x=\"16\" y=\"26\">The simulated step</text>");
        Legend(svg, timeline);
        for (var i = 0; i < lanes.Length; i++)
            svg.Line($"<text class=\"end small\" x=\"{Left - 8}\" y=\"{Top + (i * Row) + 20}\">{lanes[i].ToString().ToLowerInvariant()}</text>");
        foreach (var tick in ByteAxis.Steps(Math.Max(end, 1e-6), 10))
        {
            var x = X(tick);
            svg.Line($"<path class=\"grid\" d=\"M{x} {Top}V{Top + (lanes.Length * Row)}\"/><text class=\"middle small\" x=\"{x}\" y=\"{Top + (lanes.Length * Row) + 16}\">{tick}</text>");
        }

        foreach (var (task, start, finish) in timeline.Where(timed => timed.End > timed.Start))
        {
            var y = Top + (Array.IndexOf(lanes, task.Lane) * Row) + 4;
            svg.Line($"<rect class=\"{Css(task)}\" x=\"{X(start * 1e3)}\" y=\"{y}\" width=\"{Math.Max(0.6, X(finish * 1e3) - X(start * 1e3) - 0.4)}\" height=\"{Row - 12}\"><title>{task.Name} {task.Unit}, {(finish - start) * 1e3} ms</title></rect>");
        }

        svg.Line($"<text class=\"middle\" x=\"{(Left + Right) / 2}\" y=\"{height - 8}\">milliseconds</text>");
        svg.Raw("</svg>");
        return svg.ToString();

        double X(double milliseconds) => Left + (milliseconds / end * (Right - Left));
    }

    private static void Legend(SvgText svg, IReadOnlyList<TimedTask> timeline)
    {
        double x = 16;
        foreach (var css in timeline.Where(timed => timed.End > timed.Start).Select(timed => Css(timed.Task)).Distinct().Order(StringComparer.Ordinal))
        {
            svg.Line($"<rect class=\"{css}\" x=\"{x}\" y=\"38\" width=\"12\" height=\"12\" rx=\"2\"/><text x=\"{x + 17}\" y=\"48\">{css}</text>");
            x += 17 + (6.6 * css.Length) + 14;
        }
    }

    private static string Css(SimulatedTask task) => task switch
    {
        { IsCommunication: true } or { Lane: not Lane.Compute } => "communication",
        { Name: nameof(ScheduleEventKind.Forward) or nameof(ScheduleEventKind.ForwardEnd) } => "forward",
        { Name: nameof(ScheduleEventKind.Backward) } => "backward",
        { Name: nameof(ScheduleEventKind.Recompute) } => "recompute",
        { Name: nameof(ScheduleEventKind.Update) } => "update",
        _ => "compute",
    };
}

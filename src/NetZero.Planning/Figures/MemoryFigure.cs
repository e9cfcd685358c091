using System.Globalization;
using System.Text;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>Draws what lives on a rank over a training step, by kind, as SVG: areas for the plan, and a line for a measured step.</summary>
/// <remarks>Along the step events stand in their order; over a measured step where they ended. Colours follow the reader's light or dark scheme.</remarks>
public sealed class MemoryFigure
{
    private const double Left = 78, Right = 980, Top = 92, Bottom = 372, Width = 1000, Height = 486;

    // What stays lies at the bottom, what comes and goes on top.
    private static readonly MemoryKind[] Stack =
    [
        MemoryKind.Parameter, MemoryKind.Optimizer, MemoryKind.Gradient, MemoryKind.Gathered, MemoryKind.Activation, MemoryKind.Workspace, MemoryKind.Communication,
    ];

    private readonly ShardingPlan _plan;
    private readonly MeasuredStep? _over;
    private readonly SvgText _svg = new();
    private readonly double[] _ends;
    private readonly double _length;
    private readonly ByteAxis _axis;

    private MemoryFigure(ShardingPlan plan, MeasuredStep? over)
    {
        _plan = plan;
        _over = over;
        _ends = over is null ? [.. Enumerable.Range(1, plan.Points.Count).Select(i => (double)i)] : [.. over.Milliseconds];
        _length = _ends[^1];
        _axis = ByteAxis.For(Math.Max(plan.Peak.Total, over?.Live.Max(live => live.Total) ?? 0));
    }

    /// <summary>The picture of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="over">A measured step of the same events, drawn over it; null for none.</param>
    /// <exception cref="ArgumentException">The measured step has another number of events than the plan.</exception>
    public static string Draw(ShardingPlan plan, MeasuredStep? over = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (over is not null && (over.Live.Count != plan.Points.Count || over.Milliseconds.Count != plan.Points.Count))
            throw new ArgumentException($"The measured step has {over.Live.Count} events, the plan {plan.Points.Count}; they must be of the same run.", nameof(over));
        return new MemoryFigure(plan, over).Draw();
    }

    private string Draw()
    {
        var title = $"Memory of rank {_plan.Rank} over one training step: {_plan.Policy.Title}, {_plan.Ranks} {(_plan.Ranks == 1 ? "rank" : "ranks")}";
        _svg.Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-labelledby=\"title desc\">");
        _svg.Line($"<title id=\"title\">{title}</title>");
        _svg.Line($"<desc id=\"desc\">Stacked areas: bytes by kind after each event of the step. {PeakText()}.</desc>");
        _svg.Raw(FigureStyle.Css);
        _svg.Line($"<rect class=\"page\" width=\"{Width}\" height=\"{Height}\"/>");
        _svg.Line($"<text class=\"title\" x=\"16\" y=\"26\">{title}</text>");
        Legend();
        ByteLines();
        Phases();
        Areas();
        if (_over is not null)
            Measured();
        Peak();
        Strip();
        TimeAxis();
        _svg.Raw("</svg>");
        return _svg.ToString();
    }

    private double X(double position) => Left + (position / _length * (Right - Left));

    private double Y(double bytes) => Bottom - (bytes / _axis.Top * (Bottom - Top));

    private double Begin(int index) => index == 0 ? 0 : _ends[index - 1];

    private IEnumerable<MemoryKind> Kinds() => Stack.Where(kind => _plan.Peak[kind] > 0);

    private void Legend()
    {
        double x = 16;
        foreach (var kind in Kinds())
        {
            var name = $"{KindBytes.Names[(int)kind].Name} {ByteSize.Show(_plan.Peak[kind])}";
            _svg.Line($"<rect class=\"{Css(kind)}\" x=\"{x}\" y=\"40\" width=\"12\" height=\"12\" rx=\"2\"/><text x=\"{x + 17}\" y=\"50\">{name}</text>");
            x += 17 + TextWidth(name) + 14;
        }

        if (_over is not null)
            _svg.Line($"<path class=\"measured\" d=\"M{x} 46h18\"/><text x=\"{x + 23}\" y=\"50\">measured</text>");
    }

    private void ByteLines()
    {
        foreach (var bytes in _axis.Ticks())
            _svg.Line($"<path class=\"grid\" d=\"M{Left} {Y(bytes)}H{Right}\"/><text class=\"end\" x=\"{Left - 8}\" y=\"{Y(bytes) + 4}\">{_axis.Label(bytes)}</text>");
        _svg.Line($"<text class=\"end small\" x=\"{Left - 8}\" y=\"{Top - 10}\">{_axis.Unit}</text>");
    }

    private void Phases()
    {
        foreach (var phase in _plan.Phases)
        {
            var (from, to) = (X(Begin(phase.Start)), X(_ends[phase.Start + phase.Count - 1]));
            var name = phase.Kind.ToString().ToLowerInvariant();
            if (_plan.Schedule.MicroBatches > 1 && phase.Kind != ScheduleEventKind.Update)
                name += $" {phase.MicroBatch}";
            _svg.Line($"<path class=\"phase\" d=\"M{from} {Top - 18}V{Bottom + 62}\"/>");
            if (TextWidth(name) < to - from)
                _svg.Line($"<text class=\"middle strong\" x=\"{(from + to) / 2}\" y=\"{Top - 8}\">{name}</text>");
        }

        _svg.Line($"<path class=\"phase\" d=\"M{Right} {Top - 18}V{Bottom + 62}\"/>");
    }

    // Each event has two points: the highest moment since the one before, half-way, and what lives after it.
    private void Areas()
    {
        var below = new double[(2 * _plan.Points.Count) + 1];
        foreach (var kind in Kinds())
        {
            var path = new StringBuilder();
            var above = below.ToArray();
            Add(0, 0, _plan.Before[kind]);
            for (var i = 0; i < _plan.Points.Count; i++)
            {
                Add((2 * i) + 1, (Begin(i) + _ends[i]) / 2, _plan.Points[i].Highest[kind]);
                Add((2 * i) + 2, _ends[i], _plan.Points[i].Live[kind]);
            }

            for (var i = below.Length - 1; i >= 0; i--)
                path.Append(CultureInfo.InvariantCulture, $"L{SvgText.Number(X(Position(i)))} {SvgText.Number(Y(below[i]))}");
            _svg.Line($"<path class=\"{Css(kind)}\" d=\"{path.Append('Z').ToString()}\"/>");
            below = above;

            void Add(int index, double position, long bytes)
            {
                above[index] += bytes;
                path.Append(CultureInfo.InvariantCulture, $"{(index == 0 ? 'M' : 'L')}{SvgText.Number(X(position))} {SvgText.Number(Y(above[index]))}");
            }
        }
    }

    private double Position(int sample) => sample == 0 ? 0 : sample % 2 == 0 ? _ends[(sample / 2) - 1] : (Begin(sample / 2) + _ends[sample / 2]) / 2;

    private void Measured()
    {
        var path = new StringBuilder();
        for (var i = 0; i < _ends.Length; i++)
            path.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? 'M' : 'L')}{SvgText.Number(X(_ends[i]))} {SvgText.Number(Y(_over!.Live[i].Total))}");
        _svg.Line($"<path class=\"measured\" d=\"{path.ToString()}\"/>");
    }

    private void Peak()
    {
        var y = Y(_plan.Peak.Total);
        var text = PeakText();
        _svg.Line($"<path class=\"peak\" d=\"M{Left} {y}H{Right}\"/><text class=\"end\" x=\"{Right - 4}\" y=\"{y - 5}\">{text}</text>");
    }

    private string PeakText()
    {
        var at = _plan.Points.FirstOrDefault(point => point.Highest.Total == _plan.Peak.Total);
        return at is null
            ? $"peak {ByteSize.Show(_plan.Peak.Total)}, at rest"
            : $"peak {ByteSize.Show(_plan.Peak.Total)}, in {Doing(at.Event.Kind)} of {_plan.Schedule.Units[at.Event.Unit].Name}";
    }

    // What lasted until an event is what it ends.
    private static string Doing(ScheduleEventKind kind) => kind switch
    {
        ScheduleEventKind.ForwardEnd => "the forward",
        ScheduleEventKind.BackwardEnd => "the backward",
        ScheduleEventKind.RecomputeEnd => "the second run",
        _ => $"{kind}",
    };

    // Below the areas: what the schedule does meanwhile, in rows.
    private void Strip()
    {
        Row(0, "gather", "gathered", e => e.Kind == ScheduleEventKind.AllGather);
        Row(1, "compute", "compute", e => e.Kind is ScheduleEventKind.ForwardEnd or ScheduleEventKind.BackwardEnd or ScheduleEventKind.RecomputeEnd or ScheduleEventKind.Update);
        Row(2, "reduce", "gradient", e => e.Kind is ScheduleEventKind.ReduceScatter or ScheduleEventKind.AllReduce);
    }

    private void Row(int row, string name, string css, Func<ScheduleEvent, bool> shows)
    {
        var y = Bottom + 10 + (row * 17);
        _svg.Line($"<text class=\"end small\" x=\"{Left - 8}\" y=\"{y + 10}\">{name}</text>");
        for (var i = 0; i < _plan.Points.Count; i++)
            if (shows(_plan.Points[i].Event))
                _svg.Line($"<rect class=\"{css}\" x=\"{X(Begin(i))}\" y=\"{y}\" width=\"{Math.Max(1, X(_ends[i]) - X(Begin(i)) - 0.5)}\" height=\"12\"><title>{_plan.Points[i].Event.Kind} of {_plan.Schedule.Units[_plan.Points[i].Event.Unit].Name}</title></rect>");
    }

    private void TimeAxis()
    {
        foreach (var tick in ByteAxis.Steps(_length, 10))
            _svg.Line($"<text class=\"middle small\" x=\"{X(tick)}\" y=\"{Bottom + 78}\">{tick.ToString("0.###", CultureInfo.InvariantCulture)}</text>");
        var label = _over is null ? "events of the step, in order" : "milliseconds of the measured step";
        _svg.Line($"<text class=\"middle\" x=\"{(Left + Right) / 2}\" y=\"{Bottom + 98}\">{label}</text>");
    }

    private static string Css(MemoryKind kind) => KindBytes.Names[(int)kind].Name;

    // Of the sans-serif fonts that are likely, at 12 pixels.
    private static double TextWidth(string text) => 6.6 * text.Length;
}

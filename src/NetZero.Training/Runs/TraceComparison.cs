namespace NetZero.Training;

/// <summary>A planned step beside a measured one, event by event.</summary>
/// <param name="PlannedMilliseconds">The planned step, from its first event to its last.</param>
/// <param name="MeasuredMilliseconds">The median measured step.</param>
/// <param name="Steps">How many measured steps counted.</param>
/// <param name="Events">By event and unit, those that differ most first.</param>
public sealed record TraceComparison(double PlannedMilliseconds, double MeasuredMilliseconds, int Steps, IReadOnlyList<ComparedEvent> Events)
{
    private const string Update = "Update";

    /// <summary>The events without their units, in the order in which they differ.</summary>
    public IReadOnlyList<ComparedEvent> ByName =>
        [.. Events.GroupBy(e => e.Name)
            .Select(group => new ComparedEvent(group.Key, "", group.Sum(e => e.PlannedMilliseconds), group.Sum(e => e.MeasuredMilliseconds)))
            .OrderByDescending(e => Math.Abs(e.Difference))];

    /// <summary>Lines two traces up: a plan's, and those of rank 0 of a run. The run's first step compiles and is left out where there are more.</summary>
    /// <exception cref="ConfigurationException">A file is no trace, or the run has no whole step.</exception>
    public static TraceComparison Of(string plannedPath, string measuredPath)
    {
        var planned = TraceFile.Read(plannedPath);
        var steps = StepsOf([.. TraceFile.Read(measuredPath).Where(span => span.Lane == 0)]);
        if (steps.Count == 0)
            throw new ConfigurationException($"the trace '{measuredPath}' has no whole step of rank 0: it ends before the first update");
        var counted = steps.Skip(steps.Count > 1 ? 1 : 0).ToArray();
        var sums = counted.Select(Sums).ToArray();
        var plan = Sums(planned);
        return new TraceComparison(
            Length(planned), Median([.. counted.Select(Length)]), counted.Length,
            [.. plan.Keys.Concat(sums.SelectMany(step => step.Keys)).Distinct()
                .Select(key => new ComparedEvent(key.Name, key.Unit, plan.GetValueOrDefault(key), Median([.. sums.Select(step => step.GetValueOrDefault(key))])))
                .OrderByDescending(e => Math.Abs(e.Difference))]);
    }

    // A step ends with the last of its updates (and the gathers that follow them): the next event of another kind begins the next one.
    private static List<List<TraceSpan>> StepsOf(List<TraceSpan> spans)
    {
        var steps = new List<List<TraceSpan>>();
        var open = new List<TraceSpan>();
        var updates = false;
        foreach (var span in spans)
        {
            // After updates a gather belongs to the step where more updates follow, or to the next one.
            if (updates && span.Name is not (Update or "AllGather"))
            {
                var trailing = open.Count - 1 - open.FindLastIndex(one => one.Name == Update);
                var next = open.GetRange(open.Count - trailing, trailing);
                open.RemoveRange(open.Count - trailing, trailing);
                steps.Add(open);
                (open, updates) = (next, false);
            }

            open.Add(span);
            updates |= span.Name == Update;
        }

        if (updates)
            steps.Add(open);
        return steps;
    }

    private static Dictionary<(string Name, string Unit), double> Sums(IEnumerable<TraceSpan> spans) =>
        spans.GroupBy(span => (span.Name, span.Unit)).ToDictionary(group => group.Key, group => group.Sum(span => span.Exclusive) / 1000);

    private static double Length(IReadOnlyCollection<TraceSpan> spans) => (spans.Max(span => span.End) - spans.Min(span => span.Start)) / 1000;

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }
}

/// <summary>An event's time in a step, without that of events inside it.</summary>
/// <param name="Name">The event.</param>
/// <param name="Unit">The unit.</param>
/// <param name="PlannedMilliseconds">In the plan; 0 where it is not in it.</param>
/// <param name="MeasuredMilliseconds">In the run, the median over steps; 0 where it is not in it.</param>
public readonly record struct ComparedEvent(string Name, string Unit, double PlannedMilliseconds, double MeasuredMilliseconds)
{
    /// <summary>Measured minus planned.</summary>
    public double Difference => MeasuredMilliseconds - PlannedMilliseconds;
}

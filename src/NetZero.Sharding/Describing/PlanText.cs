using System.Globalization;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>A <see cref="ShardingPlan"/> as lines of text.</summary>
/// <remarks>Nothing is cut off: a name that does not fit in front of its numbers has lines of its own.</remarks>
internal static class PlanText
{
    private const int Width = 100;
    private const int NameWidth = 34;

    public static IEnumerable<string> Lines(ShardingPlan plan)
    {
        foreach (var line in Wrap(
            $"{plan.Policy.Title} on {Count(plan.Ranks, "rank", "ranks")}, "
            + $"{Count(plan.Schedule.MicroBatches, "micro-batch", "micro-batches")} a step; bytes are those of rank {plan.Rank}"))
            yield return line;
        yield return "";
        var blocks = Blocks(plan.Schedule);
        var differ = blocks.SelectMany(block => block).Select(unit => unit.Treatment).Distinct().Count() > 1;
        yield return Row("unit", "parameters", "whole", "slice");
        foreach (var (name, layout, treatment) in Groups(blocks))
        {
            foreach (var line in Rows(
                name, layout.Elements.ToString("N0", CultureInfo.InvariantCulture), ByteSize.Show(layout.PaddedElements * treatment.Types.Parameters.SizeInBytes()),
                ByteSize.Show(layout.ShardElements * treatment.Types.Values.SizeInBytes())))
                yield return line;
            if (differ)
                yield return $"  {(treatment.IsFrozen ? "frozen" : "trained")}, {treatment.Types}";
        }

        yield return "";
        foreach (var kind in Enum.GetValues<ScheduleEventKind>())
            if (plan.Schedule.Count(kind) is > 0 and var count && !IsEnd(kind))
                yield return Row(kind.ToString(), $"{count}", "", "");
        yield return Row("bytes sent", ByteSize.Show(plan.WireBytes), "", "");
        yield return "";
        yield return Row("memory", "at rest", "at the peak", "kind's peak");
        foreach (var (kind, name) in KindBytes.Names)
            if (plan.Peak[kind] > 0)
                yield return Row(name, ByteSize.Show(plan.Before[kind]), ByteSize.Show(plan.Highest[kind]), ByteSize.Show(plan.Peak[kind]));
        yield return Row("together", ByteSize.Show(plan.Before.Total), ByteSize.Show(plan.Highest.Total), "");
    }

    private static string Count(int number, string one, string several) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : several)}");

    // A pass is one line, not its two ends.
    private static bool IsEnd(ScheduleEventKind kind) => kind is ScheduleEventKind.ForwardEnd or ScheduleEventKind.BackwardEnd or ScheduleEventKind.RecomputeEnd;

    private static string Row(string name, string a, string b, string c) => $"{name.PadRight(NameWidth)}{a,18}{b,15}{c,15}".TrimEnd();

    private static IEnumerable<string> Rows(string name, string a, string b, string c) =>
        name.Length <= NameWidth ? [Row(name, a, b, c)] : [.. Wrap(name), Row("", a, b, c)];

    // Between words, and within one that is longer than a line; what follows the first line is indented.
    private static IEnumerable<string> Wrap(string text)
    {
        for (var indent = ""; text.Length > 0; indent = "  ")
        {
            var room = Width - indent.Length;
            var end = text.Length <= room ? text.Length : text.LastIndexOf(' ', room);
            if (end <= 0)
                end = room;
            yield return indent + text[..end];
            text = text[end..].TrimStart();
        }
    }

    private static List<PlannedUnit[]> Blocks(StepSchedule schedule) =>
        [.. schedule.Blocks.Select(block => block.Select(unit => new PlannedUnit(schedule.Units[unit], new Treatment(schedule.IsFrozen(unit), schedule.PrecisionOf(unit)))).ToArray())];

    // Neighbouring blocks whose units are alike share their lines.
    private static IEnumerable<(string Name, UnitLayout Layout, Treatment Treatment)> Groups(List<PlannedUnit[]> blocks)
    {
        for (int first = 0, next; first < blocks.Count; first = next)
        {
            next = first + 1;
            while (next < blocks.Count && blocks[next].Select(unit => unit.Kind).SequenceEqual(blocks[first].Select(unit => unit.Kind)))
                next++;
            for (var i = 0; i < blocks[first].Length; i++)
            {
                var (layout, treatment) = blocks[first][i];
                yield return (next - first == 1 ? layout.Name : $"{layout.Name} to {blocks[next - 1][i].Layout.Name}, each of {next - first}", layout, treatment);
            }
        }
    }

    // What the parameters of a unit have in common beside the policy.
    private readonly record struct Treatment(bool IsFrozen, UnitPrecision Types);

    private readonly record struct PlannedUnit(UnitLayout Layout, Treatment Treatment)
    {
        public (long, long, Treatment) Kind => (Layout.Elements, Layout.PaddedElements, Treatment);
    }
}

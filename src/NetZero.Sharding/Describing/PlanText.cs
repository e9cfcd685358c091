using System.Globalization;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>A <see cref="ShardingPlan"/> as lines of text.</summary>
internal static class PlanText
{
    private const int NameWidth = 34;

    public static IEnumerable<string> Lines(ShardingPlan plan)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"ZeRO stage {plan.Policy.Stage} on {plan.Ranks} ranks, {plan.Schedule.MicroBatches} {(plan.Schedule.MicroBatches == 1 ? "micro-batch" : "micro-batches")} a step; bytes are those of rank {plan.Rank}");
        yield return "";
        yield return Row("unit", "parameters", "whole", "slice");
        foreach (var (name, unit) in Groups(plan.Schedule.Units))
            yield return Row(name, unit.Elements.ToString("N0", CultureInfo.InvariantCulture), ByteSize.Show(unit.PaddedElements * plan.Schedule.Precision.ParameterDType.SizeInBytes()), ByteSize.Show(unit.ShardElements * sizeof(float)));
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

    // A pass is one line, not its two ends.
    private static bool IsEnd(ScheduleEventKind kind) => kind is ScheduleEventKind.ForwardEnd or ScheduleEventKind.BackwardEnd or ScheduleEventKind.RecomputeEnd;

    private static string Row(string name, string a, string b, string c) =>
        $"{(name.Length > NameWidth ? name[..(NameWidth - 3)] + "..." : name).PadRight(NameWidth)}{a,18}{b,15}{c,15}".TrimEnd();

    // Neighbours of one size share a line.
    private static IEnumerable<(string Name, UnitLayout Unit)> Groups(IReadOnlyList<UnitLayout> units)
    {
        for (int first = 0, next; first < units.Count; first = next)
        {
            next = first + 1;
            while (next < units.Count && units[next].Elements == units[first].Elements && units[next].PaddedBytes == units[first].PaddedBytes)
                next++;
            var name = next - first == 1 ? units[first].Name : $"{units[first].Name} to {units[next - 1].Name}, each of {next - first}";
            yield return (name, units[first]);
        }
    }
}

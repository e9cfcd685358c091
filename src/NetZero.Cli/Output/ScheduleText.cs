using System.Globalization;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Cli;

/// <summary>A step's events as a table: what lives after each, by kind.</summary>
internal static class ScheduleText
{
    private const int Width = 100;
    private const int EventWidth = 15;

    public static void Write(TextWriter output, ShardingPlan plan)
    {
        var kinds = KindBytes.Names.Where(kind => plan.Peak[kind.Kind] > 0).ToArray();
        var scale = Scale.For(plan.Peak.Total);
        var columns = kinds.Length + 2;
        var columnWidth = columns > 8 ? 7 : 8;
        var indexWidth = $"{plan.Points.Count}".Length;
        var unitWidth = Math.Min(plan.Schedule.Units.Max(unit => unit.Name.Length), Width - indexWidth - 2 - EventWidth - (columns * columnWidth));

        var heads = string.Concat(kinds.Select(kind => Head(kind.Kind)).Append("total").Append("highest").Select(head => head.PadLeft(columnWidth)));
        output.WriteLine($"bytes on rank {plan.Rank} in {scale.Unit} after each event; highest is the most that lived since the event before");
        output.WriteLine();
        output.WriteLine($"{"#".PadLeft(indexWidth)}  {"event",-EventWidth}{"unit".PadRight(unitWidth)}{heads}");
        output.WriteLine($"{new string(' ', indexWidth)}  {"at rest".PadRight(EventWidth + unitWidth)}{Numbers(plan.Before, plan.Before)}");
        foreach (var phase in plan.Phases)
        {
            output.WriteLine(plan.Schedule.MicroBatches > 1 && phase.Kind != ScheduleEventKind.Update
                ? $"-- {Name(phase.Kind)} of micro-batch {phase.MicroBatch}"
                : $"-- {Name(phase.Kind)}");
            for (var i = phase.Start; i < phase.Start + phase.Count; i++)
            {
                var point = plan.Points[i];
                var unit = Shorten(plan.Schedule.Units[point.Event.Unit].Name, unitWidth).PadRight(unitWidth);
                var mark = point.Highest.Total == plan.Peak.Total ? " *" : "";
                output.WriteLine($"{i.ToString(CultureInfo.InvariantCulture).PadLeft(indexWidth)}  {point.Event.Kind,-EventWidth}{unit}{Numbers(point.Live, point.Highest)}{mark}");
            }
        }

        output.WriteLine();
        output.WriteLine($"* the peak: {plan.Peak.Total.ToString("N0", CultureInfo.InvariantCulture)} bytes");

        string Numbers(KindBytes live, KindBytes highest) => string.Concat(
            kinds.Select(kind => live[kind.Kind]).Append(live.Total).Append(highest.Total).Select(bytes => scale.Show(bytes).PadLeft(columnWidth)));
    }

    private static string Head(MemoryKind kind) => kind switch
    {
        MemoryKind.Parameter => "param",
        MemoryKind.Gathered => "gather",
        MemoryKind.Gradient => "grad",
        MemoryKind.Optimizer => "optim",
        MemoryKind.Activation => "activ",
        MemoryKind.Communication => "comm",
        MemoryKind.Workspace => "work",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind of memory."),
    };

    private static string Name(ScheduleEventKind phase) => phase.ToString().ToLowerInvariant();

    // The end of a name tells units apart: h.10, h.11.
    private static string Shorten(string name, int width) => name.Length <= width ? name : ".." + name[^(width - 2)..];

    /// <summary>One unit for a whole table, so that columns can be compared: the largest that leaves the peak at least 10.</summary>
    private readonly record struct Scale(string Unit, double Bytes)
    {
        public static Scale For(long peak)
        {
            var scale = new Scale("KiB", 1 << 10);
            foreach (var larger in (Scale[])[new("MiB", 1 << 20), new("GiB", 1 << 30), new("TiB", 1L << 40)])
                if (peak >= 10 * larger.Bytes)
                    scale = larger;
            return scale;
        }

        public string Show(long bytes) => bytes == 0 ? "-" : (bytes / Bytes).ToString("0.00", CultureInfo.InvariantCulture);
    }
}

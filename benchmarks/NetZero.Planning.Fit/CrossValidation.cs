namespace NetZero.Planning.Fit;

/// <summary>Predicts each group of rows by constants that were fitted to the other groups alone.</summary>
internal static class CrossValidation
{
    public const int Folds = 5;

    public static void Run(Calibration start, IReadOnlyList<RowPredictor> rows, Func<RowPredictor, int, string> groupOf)
    {
        var groups = rows.Select((row, index) => (Row: row, Group: groupOf(row, index))).ToArray();
        var held = new List<RowResult>();
        foreach (var group in groups.Select(pair => pair.Group).Distinct().ToArray())
        {
            var others = Fits.Of(start, [.. groups.Where(pair => pair.Group != group).Select(pair => pair.Row)]);
            var report = ValidationReport.Of([.. groups.Where(pair => pair.Group == group).Select(pair => pair.Row)], others);
            held.AddRange(report.Rows);
            Write(group, report.Rows);
        }

        Write("all", held);
    }

    private static void Write(string group, IReadOnlyList<RowResult> rows)
    {
        var time = ErrorSummary.Of(rows.Where(row => row.TimeError is not null).Select(row => row.TimeError!.Value), null);
        var memory = ErrorSummary.Of(rows.Where(row => row.MemoryError is not null && row.Counter == MemoryCounter.Allocated).Select(row => row.MemoryError!.Value), null);
        Console.WriteLine(
            $"{group,-12} speed {time.Count,4} median {time.MedianError:P1} p90 {time.P90Error:P1}   allocated {memory.Count,3} median {memory.MedianError:P1} p90 {memory.P90Error:P1}");
    }
}

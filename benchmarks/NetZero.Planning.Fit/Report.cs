namespace NetZero.Planning.Fit;

/// <summary>Prints a validation by source, and the rows that are worst.</summary>
internal static class Report
{
    public static void Write(ValidationReport report)
    {
        foreach (var (source, errors) in report.BySource.Append(new("overall", report.Overall)))
        {
            Console.WriteLine(
                $"{source,-12} time {errors.Time.Count,4} median {errors.Time.MedianError:P1} p90 {errors.Time.P90Error:P1} worst {errors.Time.WorstError:P1} "
                + $"baseline {errors.Time.BaselineMedianError:P1}   memory {errors.Memory.Count,3} median {errors.Memory.MedianError:P1} worst {errors.Memory.WorstError:P1}");
        }

        Console.WriteLine($"predicted {report.PredictedShare:P1}");
        foreach (var row in report.Rows.Where(row => row.Scored && row.TimeError > 0.12).OrderByDescending(row => row.TimeError))
            Console.WriteLine($"{row.Id,-18} measured {row.MeasuredTokensPerSPerGpu,10:F1} predicted {row.PredictedTokensPerSPerGpu,10:F1} error {row.TimeError:P1}");
        foreach (var row in report.Rows.Where(row => row.Scored && row.MemoryError > 0.08).OrderByDescending(row => row.MemoryError))
            Console.WriteLine($"{row.Id,-18} {row.Counter,-9} measured {row.MeasuredPeakMemGib,6:F2} GiB predicted {row.PredictedPeakMemGib,6:F2} error {row.MemoryError:P1}");
    }
}

using NetZero.Planning;
using NetZero.Planning.Fit;

// Fits the planner's constants to a table of published rows and writes them: dotnet run -c Release -- rows.csv calibration.json [--leave-out|--models|--folds]
if (args.Length < 2)
{
    Console.Error.WriteLine("usage: NetZero.Planning.Fit ROWS.csv CALIBRATION.json [--leave-out|--models|--folds]");
    return 2;
}

var start = Calibration.Parse(File.ReadAllText(args[1]));
var all = PublishedRow.ReadAll(File.ReadAllText(args[0]), args[0]).Select(row => new RowPredictor(row, start)).ToArray();
foreach (var row in all.Where(row => row.Reason is not null))
    Console.WriteLine($"{row.Row.Id}: {row.Reason}");
var usable = all.Where(row => row.Reason is null && row.Row.IsScored).ToArray();

if (args.Skip(2).FirstOrDefault() is { } way)
{
    // Rows of one model of one source are like each other: left out together, they say how sizes that were never seen are predicted.
    var models = usable.Select(row => (row.Row.SourceName, row.Row.Model)).Distinct().Index().ToDictionary(pair => pair.Item, pair => pair.Index);
    Func<RowPredictor, int, string>? groupOf = way switch
    {
        "--leave-out" => (row, _) => row.Row.SourceName,
        "--models" => (row, _) => $"fold {models[(row.Row.SourceName, row.Row.Model)] % CrossValidation.Folds}",
        "--folds" => (_, index) => $"fold {index % CrossValidation.Folds}",
        _ => null,
    };
    if (groupOf is null)
    {
        Console.Error.WriteLine($"'{way}' is no way to leave rows out; use --leave-out (sources), --models (models of sources) or --folds (single rows)");
        return 2;
    }

    CrossValidation.Run(start, usable, groupOf);
    return 0;
}

var fitted = Fits.Of(start, usable);
fitted = fitted with { Origin = $"benchmarks/NetZero.Planning.Fit: {usable.Count(row => row.MeasuredTokens > 0)} speeds and {usable.Count(row => row.MeasuredGib > 0)} peaks of {Path.GetFileName(args[0])}" };
File.WriteAllText(args[1], fitted.ToJson() + "\n");
Report.Write(ValidationReport.Of(all, fitted));
return 0;

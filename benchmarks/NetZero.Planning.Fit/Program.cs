using NetZero.Planning;
using NetZero.Planning.Fit;

// Fits the planner's constants to a table of published rows and writes them: dotnet run -c Release -- rows.csv calibration.json [--leave-out|--folds]
if (args.Length < 2)
{
    Console.Error.WriteLine("usage: NetZero.Planning.Fit ROWS.csv CALIBRATION.json [--leave-out|--folds]");
    return 2;
}

var start = Calibration.Parse(File.ReadAllText(args[1]));
var all = PublishedRow.ReadAll(File.ReadAllText(args[0]), args[0]).Select(row => new RowPredictor(row, start)).ToArray();
foreach (var row in all.Where(row => row.Reason is not null))
    Console.WriteLine($"{row.Row.Id}: {row.Reason}");
var usable = all.Where(row => row.Reason is null && row.Row.IsScored).ToArray();

if (args.Contains("--leave-out") || args.Contains("--folds"))
{
    var bySource = args.Contains("--leave-out");
    CrossValidation.Run(start, usable, (row, index) => bySource ? row.Row.SourceName : $"fold {index % CrossValidation.Folds}");
    return 0;
}

var fitted = Fits.Of(start, usable);
fitted = fitted with { Origin = $"benchmarks/NetZero.Planning.Fit: {usable.Count(row => row.MeasuredTokens > 0)} speeds and {usable.Count(row => row.MeasuredGib > 0)} peaks of {Path.GetFileName(args[0])}" };
File.WriteAllText(args[1], fitted.ToJson() + "\n");
Report.Write(ValidationReport.Of(all, fitted));
return 0;

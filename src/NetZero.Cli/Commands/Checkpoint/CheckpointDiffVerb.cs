using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using NetZero.Checkpoints;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint diff</c>: compares two checkpoints tensor by tensor, whatever ranks and stages saved them.</summary>
internal static class CheckpointDiffVerb
{
    public static Command Create(ITerminal terminal)
    {
        var first = CheckpointCommand.PathArgument("FIRST", "A checkpoint; of a run's folder or s3://BUCKET/PREFIX, the newest.");
        var second = CheckpointCommand.PathArgument("SECOND", "Another.");
        var json = CheckpointCommand.JsonOption();
        var command = new Command("diff", "Compares two checkpoints tensor by tensor.") { first, second, json };
        command.SetAction((parsed, cancellation) => CheckpointCommand.BesideAsync(() =>
        {
            using var left = CheckpointCommand.Open(parsed.GetValue(first)!);
            using var right = CheckpointCommand.Open(parsed.GetValue(second)!);
            var differences = CheckpointComparison.Compare(left, right, cancellation).ToArray();
            if (parsed.GetValue(json))
                JsonLine.Write(terminal.Out, writer => Write(writer, left, right, differences));
            else
                WriteText(terminal, left, right, differences);
            return ExitCodes.Success;
        }));
        return command;
    }

    private static void WriteText(ITerminal terminal, CheckpointReader left, CheckpointReader right, TensorDifference[] differences)
    {
        if (left.Manifest.Step != right.Manifest.Step)
            terminal.Out.WriteLine($"steps   {left.Manifest.Step} and {right.Manifest.Step}");
        if (differences.Length == 0)
        {
            terminal.Out.WriteLine($"all {left.Manifest.Tensors.Count} tensors are equal, bit for bit");
            return;
        }

        terminal.Out.WriteLine($"{differences.Length} tensors differ, {left.Manifest.Tensors.Count(t => Array.TrueForAll(differences, d => d.Name != t.Name))} are equal");
        TextTable.Write(terminal, ["tensor", "kind", ">elements", ">differ", ">first at", ">largest difference", ""], differences.Select(Cells));
    }

    private static IReadOnlyList<string> Cells(TensorDifference d) => d.Problem is null
        ?
        [
            d.Name, d.Kind, ProgressText.Count(d.Elements), ProgressText.Count(d.Differing), ProgressText.Count(d.First),
            d.LargestDifference is { } largest ? largest.ToString("0.00e+0", CultureInfo.InvariantCulture) : "", "",
        ]
        : [d.Name, d.Kind, ProgressText.Count(d.Elements), "", "", "", d.Problem];

    private static void Write(Utf8JsonWriter json, CheckpointReader left, CheckpointReader right, TensorDifference[] differences)
    {
        json.WriteString("first", left.Path);
        json.WriteString("second", right.Path);
        json.WriteNumber("first_step", left.Manifest.Step);
        json.WriteNumber("second_step", right.Manifest.Step);
        json.WriteBoolean("equal", differences.Length == 0);
        json.WriteStartArray("differences");
        foreach (var d in differences)
        {
            json.WriteStartObject();
            json.WriteString("tensor", d.Name);
            json.WriteString("kind", d.Kind);
            json.WriteNumber("elements", d.Elements);
            if (d.Problem is { } problem)
            {
                json.WriteString("problem", problem);
            }
            else
            {
                json.WriteNumber("differing", d.Differing);
                json.WriteNumber("first", d.First);
                JsonLine.Number(json, "largest_difference", d.LargestDifference);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using NetZero.Checkpoints;
using NetZero.Tensors;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint list</c>: the checkpoints of a run, from their manifests alone.</summary>
internal static class CheckpointListVerb
{
    public static Command Create(ITerminal terminal)
    {
        var path = CheckpointCommand.PathArgument("PATH", "A run's folder, a folder of checkpoints, or s3://BUCKET/PREFIX.");
        var json = CheckpointCommand.JsonOption();
        var command = new Command("list", "Lists the checkpoints of a run, newest first.") { path, json };
        command.SetAction(parsed =>
        {
            var rows = CheckpointCommand.Find(parsed.GetValue(path)!).Checkpoints.Select(Read).ToArray();
            if (parsed.GetValue(json))
                JsonLine.Write(terminal.Out, writer => Write(writer, rows));
            else
                TextTable.Write(terminal, ["checkpoint", ">step", ">state", "ranks", ">stage", ">validation loss", "saved", ""], rows.Select(Cells));
        });
        return command;
    }

    private sealed record Row(CheckpointReference Checkpoint, CheckpointManifest? Manifest, DateTimeOffset Saved, string? Damage);

    private static Row Read(CheckpointReference checkpoint)
    {
        try
        {
            using var reader = checkpoint.Open();
            return new Row(checkpoint, reader.Manifest, reader.Saved, null);
        }
        catch (CheckpointException e)
        {
            return new Row(checkpoint, null, default, e.Message);
        }
    }

    private static IReadOnlyList<string> Cells(Row row) => row.Manifest is { } m
        ?
        [
            row.Checkpoint.Name, m.Step.ToString(CultureInfo.InvariantCulture), ByteSize.Show(m.StateBytes()), CheckpointWords.Ranks(m.World),
            m.World.Stage.ToString(CultureInfo.InvariantCulture), m.ValidationLoss is { } loss ? ProgressText.Real(loss) : "",
            row.Saved.LocalDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), "",
        ]
        : [row.Checkpoint.Name, "", "", "", "", "", "", $"damaged: {row.Damage}"];

    private static void Write(Utf8JsonWriter json, IEnumerable<Row> rows)
    {
        json.WriteStartArray("checkpoints");
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("path", row.Checkpoint.Path);
            if (row.Manifest is { } m)
            {
                CheckpointWords.Write(json, m);
                json.WriteString("saved", row.Saved.UtcDateTime);
            }
            else
            {
                json.WriteString("damage", row.Damage);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

using System.CommandLine;
using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Tensors;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint verify</c>: reads every byte of one or all checkpoints and compares its checksum.</summary>
internal static class CheckpointVerifyVerb
{
    public static Command Create(ITerminal terminal)
    {
        var path = CheckpointCommand.PathArgument("PATH", "A checkpoint; of a run's folder or s3://BUCKET/PREFIX, all.");
        var json = CheckpointCommand.JsonOption();
        var command = new Command("verify", "Reads every byte and compares it with what was saved; exit code 3 if any differs.") { path, json };
        command.SetAction((parsed, cancellation) => CheckpointCommand.BesideAsync(() =>
        {
            var results = CheckpointCommand.Find(parsed.GetValue(path)!).Checkpoints.Select(checkpoint => Verify(checkpoint, cancellation));
            return parsed.GetValue(json) ? WriteJson(terminal, [.. results]) : WriteText(terminal, results);
        }));
        return command;
    }

    private sealed record Result(CheckpointReference Checkpoint, IReadOnlyList<string> Damage, long Bytes, double Seconds);

    private static Result Verify(CheckpointReference checkpoint, CancellationToken cancellation)
    {
        var damage = new List<string>();
        var start = Stopwatch.GetTimestamp();
        long bytes = 0;
        try
        {
            using var reader = checkpoint.Open();
            reader.Verify(damage.Add, cancellation);
            bytes = reader.BytesRead;
        }
        catch (CheckpointException e)
        {
            damage.Add(e.Message);
        }

        return new Result(checkpoint, damage, bytes, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static int WriteText(ITerminal terminal, IEnumerable<Result> results)
    {
        var code = ExitCodes.Success;
        foreach (var result in results)
        {
            if (result.Damage.Count == 0)
            {
                terminal.Out.WriteLine($"{result.Checkpoint.Name}  sound  {ByteSize.Show(result.Bytes)} in {ProgressText.Real(result.Seconds)} s");
                continue;
            }

            code = ExitCodes.DamagedCheckpoint;
            terminal.Out.WriteLine($"{result.Checkpoint.Name}  damaged");
            foreach (var line in result.Damage)
                terminal.Error.WriteLine($"error: {line}");
        }

        return code;
    }

    private static int WriteJson(ITerminal terminal, Result[] results)
    {
        JsonLine.Write(terminal.Out, json =>
        {
            json.WriteBoolean("sound", results.All(r => r.Damage.Count == 0));
            json.WriteStartArray("checkpoints");
            foreach (var result in results)
            {
                json.WriteStartObject();
                json.WriteString("path", result.Checkpoint.Path);
                json.WriteBoolean("sound", result.Damage.Count == 0);
                json.WriteNumber("bytes", result.Bytes);
                json.WriteNumber("seconds", result.Seconds);
                json.WriteStartArray("damage");
                foreach (var line in result.Damage)
                    json.WriteStringValue(line);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
        return results.All(r => r.Damage.Count == 0) ? ExitCodes.Success : ExitCodes.DamagedCheckpoint;
    }
}

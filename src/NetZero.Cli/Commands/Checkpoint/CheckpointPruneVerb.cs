using System.CommandLine;
using NetZero.Checkpoints;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint prune</c>: removes the checkpoints that nobody asked to keep.</summary>
internal static class CheckpointPruneVerb
{
    public static Command Create(ITerminal terminal)
    {
        var path = CheckpointCommand.PathArgument("PATH", "A run's folder, a folder of checkpoints, or s3://BUCKET/PREFIX.");
        var last = new Option<int>("--keep-last") { Description = "How many of the newest stay, at least one.", HelpName = "N", Required = true };
        var best = new Option<int>("--keep-best") { Description = "How many more stay because their validation loss is the lowest.", HelpName = "N" };
        var dry = new Option<bool>("--dry-run") { Description = "Only say what would be removed." };
        var json = CheckpointCommand.JsonOption();
        var command = new Command("prune", "Removes checkpoints, all but the newest and the best.") { path, last, best, dry, json };
        command.SetAction(parsed =>
        {
            var (newest, lowest) = (parsed.GetValue(last), parsed.GetValue(best));
            if (newest < 1 || lowest < 0)
                throw new ConfigurationException($"--keep-last is {newest} and --keep-best is {lowest}; expected whole numbers, the first at least 1");
            var found = CheckpointCommand.Find(parsed.GetValue(path)!);
            if (found.IsOne)
                throw new ConfigurationException($"'{parsed.GetValue(path)}' is one checkpoint; name the folder around it");
            var steps = Retention.Superfluous(found.Place, newest, lowest);
            foreach (var step in parsed.GetValue(dry) ? [] : steps)
                found.Place.Remove(step);
            if (parsed.GetValue(json))
            {
                JsonLine.Write(terminal.Out, writer =>
                {
                    writer.WriteBoolean("dry_run", parsed.GetValue(dry));
                    writer.WriteStartArray("removed");
                    foreach (var step in steps)
                        writer.WriteStringValue(found.Place.Of(step));
                    writer.WriteEndArray();
                    writer.WriteNumber("kept", found.Checkpoints.Count - steps.Count);
                });
                return;
            }
            foreach (var step in steps)
                terminal.Out.WriteLine($"{(parsed.GetValue(dry) ? "would remove" : "removed")} {found.Place.Of(step)}");
            terminal.Out.WriteLine($"{found.Checkpoints.Count - steps.Count} of {found.Checkpoints.Count} stay");
        });
        return command;
    }
}

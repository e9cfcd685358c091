using System.CommandLine;
using NetZero.Checkpoints;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint push</c> and <c>pull</c>: to and from an object store.</summary>
internal static class CheckpointTransferVerbs
{
    public static Command CreatePush(ITerminal terminal)
    {
        var path = CheckpointCommand.PathArgument("PATH", "A checkpoint; of a run's folder, the newest.");
        var store = StoreArgument();
        var json = CheckpointCommand.JsonOption();
        var command = new Command("push", "Sends a checkpoint to an S3-compatible object store; what an earlier attempt has sent is not sent again.") { path, store, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var to = Place(parsed.GetValue(store)!);
            var checkpoint = CheckpointCommand.FindFolder(parsed.GetValue(path)!).Checkpoints[0].Path;
            var bytes = await to.PushAsync(checkpoint, cancellation);
            Write(terminal, parsed.GetValue(json), checkpoint, $"{to.FullPath}{Path.GetFileName(checkpoint)}", bytes);
            return ExitCodes.Success;
        });
        return command;
    }

    public static Command CreatePull(ITerminal terminal)
    {
        var store = StoreArgument();
        var folder = new Argument<string>("DIR") { Description = "The folder of checkpoints to put it into." };
        var step = new Option<long?>("--step") { Description = "Which one; by default the newest.", HelpName = "N" };
        var json = CheckpointCommand.JsonOption();
        var command = new Command("pull", "Fetches a checkpoint from an S3-compatible object store and verifies it.") { store, folder, step, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var from = Place(parsed.GetValue(store)!);
            var steps = await Task.Run(from.Steps, cancellation);
            var wanted = parsed.GetValue(step) ?? steps.Cast<long?>().FirstOrDefault();
            if (wanted is not { } number || !steps.Contains(number))
                throw new ConfigurationException($"{from.FullPath} has {(steps.Count == 0 ? "no checkpoints" : $"no checkpoint of step {wanted}; its steps are {string.Join(", ", steps)}")}");
            var checkpoint = await from.PullAsync(number, new CheckpointFolder(parsed.GetValue(folder)!), cancellation);
            using var reader = CheckpointReader.Open(checkpoint);
            Write(terminal, parsed.GetValue(json), from.Of(number), checkpoint, reader.Manifest.Files.Sum(f => f.Bytes));
            return ExitCodes.Success;
        });
        return command;
    }

    private static Argument<string> StoreArgument() => new("s3://BUCKET/PREFIX")
    {
        Description = "Where in the store. Keys and region are found as AWS's own tools find them; AWS_ENDPOINT_URL names another store than Amazon's.",
    };

    private static ICheckpointStore Place(string text)
    {
        var (store, step) = CheckpointCommand.OpenStore(text);
        return step is null ? store : throw new ConfigurationException($"'{text}' is one checkpoint; name the place around it");
    }

    private static void Write(ITerminal terminal, bool json, string from, string to, long bytes)
    {
        if (!json)
        {
            terminal.Out.WriteLine($"{from} -> {to}  {Tensors.ByteSize.Show(bytes)}");
            return;
        }

        JsonLine.Write(terminal.Out, writer =>
        {
            writer.WriteString("from", from);
            writer.WriteString("to", to);
            writer.WriteNumber("bytes", bytes);
        });
    }
}

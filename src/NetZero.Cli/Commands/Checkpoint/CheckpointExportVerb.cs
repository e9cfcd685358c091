using System.CommandLine;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint export</c>: a checkpoint's model as a Hugging Face folder.</summary>
internal static class CheckpointExportVerb
{
    public static Command Create(ITerminal terminal)
    {
        var path = CheckpointCommand.PathArgument("PATH", "A checkpoint; of a run's folder or s3://BUCKET/PREFIX, the newest.");
        var folder = new Argument<string>("DIR") { Description = "The folder to write, which holds no model yet." };
        var size = new Option<string>("--max-shard-size")
        {
            Description = "The most bytes of one weight file; a larger model is cut into several with an index.",
            HelpName = "BYTES",
            DefaultValueFactory = _ => "5GB",
        };
        var json = CheckpointCommand.JsonOption();
        var command = new Command("export", "Writes a checkpoint's model as a Hugging Face folder.") { path, folder, size, json };
        command.SetAction((parsed, cancellation) => CheckpointCommand.BesideAsync(() =>
        {
            if (!ByteSize.TryParse(parsed.GetValue(size)!, out var bytes) || bytes < 1)
                throw new ConfigurationException($"--max-shard-size is '{parsed.GetValue(size)}'; expected bytes such as 5GB or 200MiB (units {ByteSize.Units})");
            var target = Path.GetFullPath(parsed.GetValue(folder)!);
            using var reader = CheckpointCommand.Open(parsed.GetValue(path)!);
            CheckpointModels.Export(reader, target, bytes, cancellation);
            var files = Directory.EnumerateFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToArray();
            if (parsed.GetValue(json))
            {
                JsonLine.Write(terminal.Out, writer =>
                {
                    writer.WriteString("checkpoint", reader.Path);
                    writer.WriteString("folder", target);
                    writer.WriteStartArray("files");
                    foreach (var file in files)
                        writer.WriteStringValue(file);
                    writer.WriteEndArray();
                });
            }
            else
            {
                terminal.Out.WriteLine($"{reader.Path} -> {target}: {string.Join(", ", files)}");
            }
            return ExitCodes.Success;
        }));
        return command;
    }
}

using System.CommandLine;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero adapter</c>: what is done with adapters after they were trained.</summary>
internal static class AdapterCommand
{
    public static Command Create(ITerminal terminal) => new("adapter", "Merges adapters into the models that they were trained on.") { Merge(terminal) };

    private static Command Merge(ITerminal terminal)
    {
        var model = Folder("--model", "The folder of the base that the adapter was trained on.");
        var adapter = Folder("--adapter", "The adapter's folder, such as runs/lora/adapter.");
        var output = Folder("--output", "The folder to write, which holds no model yet.");
        var size = new Option<string>("--max-shard-size")
        {
            Description = "The most bytes of one weight file; a larger model is cut into several with an index.",
            HelpName = "BYTES",
            DefaultValueFactory = _ => "5GB",
        };
        var command = new Command("merge", "Writes a base with an adapter added as a Hugging Face folder.") { model, adapter, output, size };
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                if (!ByteSize.TryParse(parsed.GetValue(size)!, out var bytes) || bytes < 1)
                    throw new ConfigurationException($"--max-shard-size is '{parsed.GetValue(size)}'; expected bytes such as 5GB or 200MiB (units {ByteSize.Units})");
                foreach (var option in (Option<string>[])[model, adapter, output])
                    if (string.IsNullOrWhiteSpace(parsed.GetValue(option)))
                        throw new ConfigurationException($"{option.Name} is empty; name a folder");
                var target = Path.GetFullPath(parsed.GetValue(output)!);
                AdapterModels.Merge(parsed.GetValue(model)!, parsed.GetValue(adapter)!, target, bytes, cancellation);
                terminal.Out.WriteLine($"{parsed.GetValue(model)} + {parsed.GetValue(adapter)} -> {target}: {string.Join(", ", Directory.EnumerateFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal))}");
                return ExitCodes.Success;
            },
            CancellationToken.None));
        return command;
    }

    private static Option<string> Folder(string name, string description) => new(name) { Description = description, HelpName = "DIR", Required = true };
}

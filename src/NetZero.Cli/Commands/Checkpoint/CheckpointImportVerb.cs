using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint import</c>: a Hugging Face folder as a checkpoint of step 0.</summary>
internal static class CheckpointImportVerb
{
    public static Command Create(ITerminal terminal)
    {
        var model = new Argument<string>("MODEL") { Description = "A Hugging Face folder of a GPT-2." };
        var folder = new Argument<string>("DIR") { Description = "The folder of checkpoints to put it into, which holds none yet." };
        var json = CheckpointCommand.JsonOption();
        var command = new Command("import", "Makes a checkpoint of step 0 from a Hugging Face folder; train --resume DIR begins with it.") { model, folder, json };
        command.SetAction((parsed, cancellation) => CheckpointCommand.BesideAsync(() =>
        {
            var checkpoint = CheckpointModels.Import(parsed.GetValue(model)!, parsed.GetValue(folder)!, cancellation);
            if (parsed.GetValue(json))
                JsonLine.Write(terminal.Out, writer => writer.WriteString("checkpoint", checkpoint));
            else
                terminal.Out.WriteLine($"{parsed.GetValue(model)} -> {checkpoint}");
            return ExitCodes.Success;
        }));
        return command;
    }
}

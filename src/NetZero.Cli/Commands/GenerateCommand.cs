using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero generate</c>: lets a saved model continue a prompt.</summary>
internal static class GenerateCommand
{
    // What an empty prompt stands for: the start of a line, after which any text may come.
    private const string EmptyPrompt = "\n";

    public static Command Create(ITerminal terminal, GenerateText generate)
    {
        var model = new Option<string>("--model")
        {
            Description = "The model's folder, such as runs/quickstart/model.",
            HelpName = "DIR",
            Required = true,
        };
        var adapter = new Option<string?>("--adapter")
        {
            Description = "The folder of an adapter that was trained on the model, such as runs/lora/adapter.",
            HelpName = "DIR",
        };
        var prompt = new Option<string>("--prompt") { Description = "The text to continue.", HelpName = "TEXT", Required = true };
        var tokens = new Option<int>("--tokens")
        {
            Description = "How many tokens to write.",
            HelpName = "N",
            DefaultValueFactory = _ => 200,
        };
        var temperature = new Option<double>("--temperature")
        {
            Description = "Below 1 likely tokens become likelier; 0 always takes the likeliest.",
            HelpName = "T",
            DefaultValueFactory = _ => 1,
        };
        var topK = new Option<int>("--top-k") { Description = "Choose only from the K likeliest tokens; 0 is all.", HelpName = "K" };
        var seed = new Option<long>("--seed") { Description = "The same seed writes the same text.", HelpName = "S" };

        var command = new Command("generate", "Lets a saved model continue a prompt.") { model, adapter, prompt, tokens, temperature, topK, seed };
        command.SetAction((parsed, cancellation) =>
        {
            var text = parsed.GetValue(prompt)!;
            var request = new GenerationRequest(
                parsed.GetValue(model)!,
                text.Length == 0 ? EmptyPrompt : text,
                parsed.GetValue(tokens),
                new SamplingOptions(parsed.GetValue(temperature), parsed.GetValue(topK), parsed.GetValue(seed)),
                parsed.GetValue(adapter));
            if (string.IsNullOrWhiteSpace(request.ModelFolder))
                throw new ConfigurationException("--model is empty; name a model's folder, such as runs/quickstart/model");
            if (request.AdapterFolder is { } folder && string.IsNullOrWhiteSpace(folder))
                throw new ConfigurationException("--adapter is empty; name an adapter's folder, such as runs/lora/adapter, or leave it out");
            request.Sampling.Validate();
            if (request.Tokens < 1)
                throw new ConfigurationException($"tokens is {request.Tokens}; expected a whole number, at least 1");
            // The model lives on the thread that made it, and Ctrl+C is heard on another.
            return Task.Run(() => Write(terminal, text, request, generate, cancellation), CancellationToken.None);
        });
        return command;
    }

    private static int Write(ITerminal terminal, string prompt, GenerationRequest request, GenerateText generate, CancellationToken cancellation)
    {
        var begun = false;
        generate(request, Show, cancellation);
        terminal.Out.WriteLine();
        return ExitCodes.Success;

        void Show(string piece)
        {
            // The prompt waits for the first piece: when the model cannot be loaded nothing but the error is printed.
            terminal.Out.Write(Printable.Text(begun ? piece : prompt + piece));
            terminal.Out.Flush();
            begun = true;
        }
    }
}

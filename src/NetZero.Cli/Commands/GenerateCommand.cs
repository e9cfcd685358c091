using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero generate</c>: lets a saved model continue a prompt.</summary>
internal static class GenerateCommand
{
    public static Command Create(ITerminal terminal, GenerateText generate)
    {
        var model = new Option<string>("--model")
        {
            Description = "The model's folder, such as runs/quickstart/model.",
            HelpName = "DIR",
            Required = true,
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

        var command = new Command("generate", "Lets a saved model continue a prompt.") { model, prompt, tokens, temperature, topK, seed };
        command.SetAction(async (parsed, cancellation) =>
        {
            var request = new GenerationRequest(
                parsed.GetValue(model)!,
                parsed.GetValue(prompt)!,
                parsed.GetValue(tokens),
                new SamplingOptions(parsed.GetValue(temperature), parsed.GetValue(topK), parsed.GetValue(seed)));
            request.Sampling.Validate();
            var text = await generate(request, cancellation);
            terminal.Out.WriteLine(Printable.Text(request.Prompt + text));
            return ExitCodes.Success;
        });
        return command;
    }
}

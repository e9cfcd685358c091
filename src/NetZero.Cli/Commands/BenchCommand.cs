using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero bench</c>: measures this machine.</summary>
internal static class BenchCommand
{
    public static Command Create(ITerminal terminal, RunTraining train) =>
        new("bench", "Measures NetZero on this machine.") { CreateTrain(terminal, train) };

    private static Command CreateTrain(ITerminal terminal, RunTraining train)
    {
        var defaults = new TrainBenchmarkOptions();
        var shape = new Option<string>("--shape")
        {
            Description = "small: 6 layers, hidden 384, 12 samples of 256 per rank; gpt2: 12 layers, hidden 768, 2 samples of 256 per rank.",
            HelpName = string.Join('|', TrainBenchmark.Shapes),
            DefaultValueFactory = _ => defaults.Shape,
        };
        var ranks = Number("--ranks", "How many ranks.", defaults.Ranks);
        var stage = Number("--stage", "What is sharded: ZeRO stage 0 to 3.", defaults.Stage);
        var threads = Number("--threads", "Threads of each rank.", defaults.Threads);
        var steps = Number("--steps", $"Steps that count, after {TrainBenchmark.WarmupSteps} to warm up.", defaults.Steps);
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };

        var command = new Command("train", "Measures training steps of a fixed shape.") { shape, ranks, stage, threads, steps, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = new TrainBenchmarkOptions(
                parsed.GetValue(shape)!, parsed.GetValue(ranks), parsed.GetValue(stage), parsed.GetValue(threads), parsed.GetValue(steps));
            var result = await TrainBenchmark.RunAsync(options, train.Invoke, cancellation);
            if (parsed.GetValue(json))
                BenchReport.WriteJson(terminal.Out, options, result);
            else
                BenchReport.WriteText(terminal.Out, options, result);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Option<int> Number(string name, string description, int fallback) =>
        new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => fallback };
}

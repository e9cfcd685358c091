using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero bench</c>: measures NetZero on this machine.</summary>
internal static class BenchCommand
{
    public static Command Create(ITerminal terminal, RunTrainingBenchmark train) =>
        new("bench", "Measures NetZero on this machine.") { CreateTrain(terminal, train) };

    private static Command CreateTrain(ITerminal terminal, RunTrainingBenchmark train)
    {
        var names = BenchmarkShape.All.Select(known => known.Name).ToArray();
        var defaults = new TrainingBenchmarkOptions { Shape = BenchmarkShape.All[0] };
        var shape = new Option<string>("--shape")
        {
            Description = string.Join("; ", BenchmarkShape.All.Select(Describe)) + ".",
            HelpName = string.Join('|', names),
            DefaultValueFactory = _ => defaults.Shape.Name,
        };
        var ranks = Number("--ranks", "How many ranks.", defaults.Ranks);
        var stage = Number("--stage", "What is sharded: ZeRO stage 0 to 3.", defaults.Stage);
        var threads = Number("--threads", "Threads of each rank.", defaults.ThreadsPerRank);
        var steps = Number("--steps", $"Steps that count, after {TrainingBenchmark.WarmupSteps} to warm up.", defaults.Steps);
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };

        var command = new Command("train", "Measures training steps of a fixed shape.") { shape, ranks, stage, threads, steps, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = new TrainingBenchmarkOptions
            {
                Shape = BenchmarkShape.All.FirstOrDefault(known => known.Name == parsed.GetValue(shape))
                    ?? throw new ConfigurationException($"--shape is '{parsed.GetValue(shape)}'; expected one of {string.Join(", ", names)}"),
                Ranks = InRange(ranks, parsed, 1, int.MaxValue),
                Stage = InRange(stage, parsed, 0, 3),
                ThreadsPerRank = InRange(threads, parsed, 1, int.MaxValue),
                Steps = InRange(steps, parsed, 1, int.MaxValue - TrainingBenchmark.WarmupSteps),
            };
            var result = await train(options, null, cancellation);
            if (parsed.GetValue(json))
                BenchReport.WriteJson(terminal.Out, options, result);
            else
                BenchReport.WriteText(terminal.Out, options, result);
            return ExitCodes.Success;
        });
        return command;
    }

    private static string Describe(BenchmarkShape shape) =>
        $"{shape.Name}: {shape.Model.LayerCount} layers, hidden {shape.Model.EmbeddingSize}, {shape.MicroBatchSize} samples of {shape.SequenceLength} per rank";

    private static Option<int> Number(string name, string description, int fallback) =>
        new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => fallback };

    private static int InRange(Option<int> option, ParseResult parsed, int least, int most)
    {
        var value = parsed.GetValue(option);
        var expected = most <= 3 ? $"from {least} to {most}" : $"at least {least}";
        return value >= least && value <= most
            ? value
            : throw new ConfigurationException($"{option.Name} is {value}; expected a whole number, {expected}");
    }
}

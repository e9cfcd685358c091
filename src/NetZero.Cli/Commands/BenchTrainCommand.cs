using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero bench train</c>: measures training steps.</summary>
internal static class BenchTrainCommand
{
    public static Command Create(ITerminal terminal, RunTrainingBenchmark train)
    {
        var names = BenchmarkShape.All.Select(known => known.Name).ToArray();
        var defaults = new TrainingBenchmarkOptions { Shape = BenchmarkShape.All[0] };
        var shape = new Option<string>("--shape")
        {
            Description = string.Join("; ", BenchmarkShape.All.Select(Describe)) + ".",
            HelpName = string.Join('|', names),
            DefaultValueFactory = _ => defaults.Shape.Name,
        };
        var ranks = BenchOptions.Number("--ranks", "How many ranks.", defaults.Ranks);
        var stage = BenchOptions.Number("--stage", "What is sharded: ZeRO stage 0 to 3.", defaults.Stage);
        var threads = BenchOptions.Number("--threads", "Threads of each rank.", defaults.ThreadsPerRank);
        var precisions = TrainingBenchmarkOptions.Precisions.Keys.ToArray();
        var precision = new Option<string>("--precision")
        {
            Description = "In which type parameters and activations are.",
            HelpName = string.Join('|', precisions),
            DefaultValueFactory = _ => defaults.Precision,
        };
        var lora = BenchOptions.Number("--lora", "Trains adapters of this rank on c_attn in the place of the model; 0 trains the model.", defaults.LoraRank);
        var steps = BenchOptions.Number("--steps", $"Steps that count, after {TrainingBenchmark.WarmupSteps} to warm up.", defaults.Steps);
        var json = BenchOptions.Json();

        var command = new Command("train", "Measures training steps of a fixed shape.") { shape, ranks, stage, threads, precision, lora, steps, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = new TrainingBenchmarkOptions
            {
                Shape = BenchmarkShape.All.FirstOrDefault(known => known.Name == parsed.GetValue(shape))
                    ?? throw new ConfigurationException($"--shape is '{parsed.GetValue(shape)}'; expected one of {string.Join(", ", names)}"),
                Ranks = BenchOptions.InRange(ranks, parsed, 1, BenchOptions.MaxThreads),
                Stage = BenchOptions.InRange(stage, parsed, 0, 3),
                ThreadsPerRank = BenchOptions.InRange(threads, parsed, 1, BenchOptions.MaxThreads),
                Precision = precisions.FirstOrDefault(known => known == parsed.GetValue(precision))
                    ?? throw new ConfigurationException($"--precision is '{parsed.GetValue(precision)}'; expected one of {string.Join(", ", precisions)}"),
                LoraRank = BenchOptions.InRange(lora, parsed, 0, int.MaxValue),
                Steps = BenchOptions.InRange(steps, parsed, 1, int.MaxValue - TrainingBenchmark.WarmupSteps),
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
}

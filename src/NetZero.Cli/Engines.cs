using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>What the verbs set to work, so that tests of the command line can do without.</summary>
/// <param name="Train">Behind <c>train</c>.</param>
/// <param name="Generate">Behind <c>generate</c>.</param>
/// <param name="BenchTrain">Behind <c>bench train</c>.</param>
/// <param name="Launch">Behind <c>launch</c> and <c>train --processes</c>.</param>
/// <param name="Measure">Behind <c>bench machine</c> and plans for this machine.</param>
internal sealed record Engines(RunTraining Train, GenerateText Generate, RunTrainingBenchmark BenchTrain, RunLaunch Launch, MeasureMachine Measure)
{
    public static Engines Real { get; } = new(Trainer.RunAsync, WriteText, TrainingBenchmark.RunAsync, Launching.RunAsync, MachineBenchmark.MeasureAsync);

    private static void WriteText(GenerationRequest request, Action<string> onText, CancellationToken cancellation)
    {
        using var generator = TextGenerator.Load(request.ModelFolder, Environment.ProcessorCount, request.AdapterFolder);
        generator.Generate(request.Prompt, request.Tokens, request.Sampling, onText, cancellation);
    }
}

/// <summary>Trains.</summary>
internal delegate Task<RunSummary> RunTraining(
    RunConfiguration configuration, TrainingOptions options, ITrainingObserver observer, CancellationToken cancellation);

/// <summary>Lets a saved model continue a prompt; <paramref name="onText"/> receives the text as it is made.</summary>
internal delegate void GenerateText(GenerationRequest request, Action<string> onText, CancellationToken cancellation);

/// <summary>Measures training steps; <paramref name="onStep"/> is told each step's number, negative while warming up, and seconds.</summary>
internal delegate Task<TrainingBenchmarkResult> RunTrainingBenchmark(
    TrainingBenchmarkOptions options, Action<int, double>? onStep, CancellationToken cancellation);

/// <summary>Describes this machine as it is with each of several numbers of ranks and threads.</summary>
internal delegate Task<ClusterDescription> MeasureMachine(IReadOnlyList<(int Ranks, int Threads)> uses, CancellationToken cancellation);

/// <summary>Text to be written by a saved model.</summary>
/// <param name="ModelFolder">A folder in Hugging Face's layout.</param>
/// <param name="Prompt">The text to continue, not empty.</param>
/// <param name="Tokens">How many tokens to write.</param>
/// <param name="Sampling">How they are chosen.</param>
/// <param name="AdapterFolder">A folder in PEFT's layout; null takes the model alone.</param>
internal sealed record GenerationRequest(string ModelFolder, string Prompt, int Tokens, SamplingOptions Sampling, string? AdapterFolder = null);

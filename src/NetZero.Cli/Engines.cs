using NetZero.Training;

namespace NetZero.Cli;

/// <summary>Trains: the trainer, or what stands for it in tests of the command line.</summary>
internal delegate Task<RunSummary> RunTraining(
    RunConfiguration configuration, TrainingOptions options, ITrainingObserver observer, CancellationToken cancellation);

/// <summary>Lets a saved model continue a prompt.</summary>
internal delegate Task<string> GenerateText(GenerationRequest request, CancellationToken cancellation);

using Microsoft.Extensions.Logging;

namespace NetZero.Training;

/// <summary>Writes what happens in a run to a logger of Microsoft.Extensions.Logging, with the numbers as structured values.</summary>
/// <param name="logger">Where to.</param>
public sealed partial class LoggingObserver(ILogger logger) : ITrainingObserver
{
    /// <inheritdoc/>
    public void OnStart(RunStart start) => Started(
        start.ParameterCount, start.Configuration.Ranks, start.Configuration.Zero.Stage, start.TextTokens, start.OutputDirectory);

    /// <inheritdoc/>
    public void OnStep(StepReport report) => StepDone(
        report.Metrics.Step, report.Metrics.Loss, report.Metrics.GradientNorm, report.Metrics.LearningRate, report.Metrics.TokensPerSecond);

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationReport report) => Evaluated(report.Step, report.Loss);

    /// <inheritdoc/>
    public void OnEnd(RunSummary summary)
    {
        if (summary.Cancelled)
            Cancelled(summary.StepsDone, summary.Steps, summary.OutputDirectory);
        else
            Finished(summary.Steps, summary.Seconds, summary.LastLoss, summary.OutputDirectory);
    }

    [LoggerMessage(1, LogLevel.Information, "Training {Parameters} parameters on {Ranks} ranks, ZeRO stage {Stage}, with {Tokens} tokens of text, into {Folder}")]
    private partial void Started(long parameters, int ranks, int stage, long tokens, string folder);

    [LoggerMessage(2, LogLevel.Information, "Step {Step}: loss {Loss}, gradient norm {GradientNorm}, learning rate {LearningRate}, {TokensPerSecond} tokens/s")]
    private partial void StepDone(int step, double loss, double gradientNorm, double learningRate, double tokensPerSecond);

    [LoggerMessage(3, LogLevel.Information, "Validation after step {Step}: loss {Loss}")]
    private partial void Evaluated(int step, double loss);

    [LoggerMessage(4, LogLevel.Information, "Finished {Steps} steps in {Seconds} s with loss {Loss}, in {Folder}")]
    private partial void Finished(int steps, double seconds, double? loss, string folder);

    [LoggerMessage(5, LogLevel.Warning, "Cancelled after {StepsDone} of {Steps} steps; what was written stays in {Folder}")]
    private partial void Cancelled(int stepsDone, int steps, string folder);
}

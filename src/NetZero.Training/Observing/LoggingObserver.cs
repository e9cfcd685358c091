using Microsoft.Extensions.Logging;
using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>Writes what happens in a run to a logger of Microsoft.Extensions.Logging, with the numbers as structured values.</summary>
/// <param name="logger">Where to.</param>
public sealed partial class LoggingObserver(ILogger logger) : ITrainingObserver
{
    /// <inheritdoc/>
    public void OnStart(RunStart start) => Started(
        start.ParameterCount, start.Configuration.Ranks, start.Configuration.Zero.Stage, start.TextTokens, start.OutputDirectory);

    /// <inheritdoc/>
    public void OnResume(ResumeReport report)
    {
        foreach (var damaged in report.PassedOver)
            PassedOver(damaged);
        if (report.Checkpoint is { } checkpoint)
            Resumed(checkpoint, report.Step);
        else
            StartedFresh(report.Folder);
    }

    /// <inheritdoc/>
    public void OnCheckpoint(SaveReport report)
    {
        if (report.Failure is { } failure)
            CheckpointFailed(report.Step, failure);
        else
            CheckpointSaved(report.Step, report.Path, report.Bytes, report.Seconds);
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report) => StepDone(
        report.Metrics.Step, report.Metrics.Loss, report.Metrics.GradientNorm, report.Metrics.LearningRate, report.Metrics.TokensPerSecond);

    /// <inheritdoc/>
    public void OnStraggler(StragglerReport report) => Straggles(report.Rank, report.Step, report.Seconds, report.OthersSeconds);

    /// <inheritdoc/>
    public void OnNotice(string notice) => Noticed(notice);

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationReport report) => Evaluated(report.Step, report.Loss, report.Perplexity);

    /// <inheritdoc/>
    public void OnEnd(RunSummary summary)
    {
        if (summary.Stopped)
            Stopped(summary.StepsDone, summary.StepsInAll, summary.Checkpoint);
        else if (summary.Cancelled)
            Cancelled(summary.StepsDone, summary.StepsInAll, summary.OutputDirectory);
        else if (summary.EarlyStop is { } early)
            StoppedEarly(summary.StepsDone, summary.StepsInAll, early.BestLoss, early.BestStep, early.Evaluations);
        else
            Finished(summary.StepsDone, summary.Seconds, summary.LastLoss, summary.OutputDirectory);
    }

    [LoggerMessage(1, LogLevel.Information, "Training {Parameters} parameters on {Ranks} ranks, ZeRO stage {Stage}, with {Tokens} tokens of text, into {Folder}")]
    private partial void Started(long parameters, int ranks, int stage, long tokens, string folder);

    [LoggerMessage(2, LogLevel.Information, "Step {Step}: loss {Loss}, gradient norm {GradientNorm}, learning rate {LearningRate}, {TokensPerSecond} tokens/s")]
    private partial void StepDone(int step, double loss, double gradientNorm, double learningRate, double tokensPerSecond);

    [LoggerMessage(3, LogLevel.Information, "Validation after step {Step}: loss {Loss}, perplexity {Perplexity}")]
    private partial void Evaluated(int step, double loss, double perplexity);

    [LoggerMessage(4, LogLevel.Information, "Finished {Steps} steps in {Seconds} s with loss {Loss}, in {Folder}")]
    private partial void Finished(int steps, double seconds, double? loss, string folder);

    [LoggerMessage(5, LogLevel.Warning, "Cancelled after {StepsDone} of {Steps} steps; what was written stays in {Folder}")]
    private partial void Cancelled(int stepsDone, int steps, string folder);

    [LoggerMessage(6, LogLevel.Information, "Resumed from {Checkpoint}, {Step} steps behind it")]
    private partial void Resumed(string checkpoint, long step);

    [LoggerMessage(7, LogLevel.Information, "No checkpoint in {Folder}: starting fresh")]
    private partial void StartedFresh(string folder);

    [LoggerMessage(8, LogLevel.Warning, "Passed over a damaged checkpoint: {Damage}")]
    private partial void PassedOver(string damage);

    [LoggerMessage(9, LogLevel.Information, "Checkpoint of step {Step} saved as {Path}: {Bytes} bytes in {Seconds} s")]
    private partial void CheckpointSaved(long step, string path, long bytes, double seconds);

    [LoggerMessage(10, LogLevel.Error, "Checkpoint of step {Step}: {Failure}")]
    private partial void CheckpointFailed(long step, string failure);

    [LoggerMessage(11, LogLevel.Warning, "Stopped after {StepsDone} of {Steps} steps, saved as {Checkpoint}")]
    private partial void Stopped(int stepsDone, int steps, string? checkpoint);

    [LoggerMessage(12, LogLevel.Warning, "Rank {Rank} is slow: it computed {Seconds} s in step {Step}, the others {OthersSeconds} s")]
    private partial void Straggles(int rank, int step, double seconds, double othersSeconds);

    [LoggerMessage(13, LogLevel.Information, "Stopped early after {StepsDone} of {Steps} steps: the validation loss {BestLoss} after step {BestStep} was the lowest, and {Evaluations} evaluations since were not lower")]
    private partial void StoppedEarly(int stepsDone, int steps, double? bestLoss, long bestStep, int evaluations);

    [LoggerMessage(14, LogLevel.Warning, "{Notice}")]
    private partial void Noticed(string notice);
}

using Microsoft.Extensions.Logging;

namespace NetZero.Training.Tests;

public class LoggingObserverTests
{
    private sealed class Recorder : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format) =>
            Lines.Add($"{level} {id.Id}: {format(state, exception)}");
    }

    [Fact]
    public void EveryEvent_IsALine()
    {
        var log = new Recorder();
        var observer = new LoggingObserver(log);
        var summary = new RunSummary { OutputDirectory = "out", Files = [], StepsDone = 2, Steps = 2, LastLoss = 2.5, Seconds = 3 };

        observer.OnStart(new RunStart(Configurations.Parse("ranks=2"), "out", 1000, 5000, 70, []));
        observer.OnStep(new StepReport(new StepMetrics(0, 5.5, 1.25, 0.5, 512, 2000, 0.256), 2, [], TimeSpan.Zero));
        observer.OnEvaluation(new EvaluationReport(0, 4.5, 1));
        observer.OnEnd(summary);
        observer.OnEnd(summary with { Cancelled = true, StepsDone = 1 });

        Assert.Equal(
            [
                "Information 1: Training 1000 parameters on 2 ranks, ZeRO stage 0, with 5000 tokens of text, into out",
                "Information 2: Step 0: loss 5.5, gradient norm 1.25, learning rate 0.5, 2000 tokens/s",
                "Information 3: Validation after step 0: loss 4.5, perplexity 90.01713130052181",
                "Information 4: Finished 2 steps in 3 s with loss 2.5, in out",
                "Warning 5: Cancelled after 1 of 2 steps; what was written stays in out",
            ],
            log.Lines);
    }
}

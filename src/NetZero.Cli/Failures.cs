using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>From exceptions to exit codes and lines on the error output.</summary>
internal static class Failures
{
    /// <summary>Reports a failure.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(Exception failure, TextWriter error)
    {
        if (failure is OperationCanceledException)
        {
            error.WriteLine("stopped");
            return ExitCodes.Interrupted;
        }
        if (Mistake(failure) is { } mistake)
        {
            foreach (var line in mistake)
                error.WriteLine($"error: {line}");
            return ExitCodes.UserMistake;
        }
        error.WriteLine($"error: {failure}");
        return ExitCodes.Defect;
    }

    // What a rank met is wrapped on its way here: by the collectives that released the other ranks, and by tasks.
    private static IReadOnlyList<string>? Mistake(Exception failure) => failure switch
    {
        ConfigurationException e => e.Problems,
        CheckpointFormatException or MemoryBudgetExceededException => [failure.Message.ReplaceLineEndings(" ")],
        // A disk that is full or gone, files that may not be read: nothing that a stack trace would explain.
        IOException or UnauthorizedAccessException => [failure.Message.ReplaceLineEndings(" ")],
        PeerFailedException { InnerException: { } cause } => Mistake(cause),
        AggregateException { InnerExceptions: [var only] } => Mistake(only),
        _ => null,
    };
}

using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Collectives.Mpi;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>From exceptions to exit codes and lines on the error output.</summary>
internal static class Failures
{
    // As many as tell where in a step a rank is, and few enough to be read.
    private const int CallsShown = 8;

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
        if (Damage(failure) is { } damage)
        {
            error.WriteLine($"error: {damage.Message.ReplaceLineEndings(" ")}");
            return ExitCodes.DamagedCheckpoint;
        }
        if (Engine(failure) is { } engine)
        {
            error.WriteLine($"error: {engine.Message.ReplaceLineEndings(" ")}");
            return ExitCodes.EngineMissing;
        }
        if (Peer(failure) is { } peer)
        {
            error.WriteLine($"error: {peer.Message.ReplaceLineEndings(" ")}");

            // A launcher collects the same from all ranks, once, and whole.
            if (peer.Report is { } report && Environment.GetEnvironmentVariable("NETZERO_LAUNCHER") is null)
                report.WriteText(error, CallsShown);
            return ExitCodes.PeerFailed;
        }
        error.WriteLine($"error: {failure}");
        return ExitCodes.Defect;
    }

    private static MpiLibraryException? Engine(Exception failure) => failure switch
    {
        MpiLibraryException e => e,
        AggregateException { InnerExceptions: [var only] } => Engine(only),
        _ => null,
    };

    // What happened in another process: its own report says more than a stack trace here.
    private static CollectiveException? Peer(Exception failure) => failure switch
    {
        PeerFailedException { InnerException: RemoteRankException or RankLostException } e => e,
        LauncherLostException or CollectiveTimeoutException or CollectiveMismatchException or PeerLeftException => (CollectiveException)failure,
        AggregateException { InnerExceptions: [var only] } => Peer(only),
        _ => null,
    };

    // What a rank met is wrapped on its way here: by the collectives that released the other ranks, and by tasks.
    private static CheckpointException? Damage(Exception failure) => failure switch
    {
        CheckpointException e => e,
        PeerFailedException { InnerException: { } cause } => Damage(cause),
        AggregateException { InnerExceptions: [var only] } => Damage(only),
        _ => null,
    };

    private static IReadOnlyList<string>? Mistake(Exception failure) => failure switch
    {
        ConfigurationException e => e.Problems,
        CheckpointFormatException or RendezvousException or MemoryBudgetExceededException or Sharding.LossScaleException or DivergedModelException => [failure.Message.ReplaceLineEndings(" ")],
        // The system's own limit, beside the run's: the message says what takes the memory and what to lower.
        InsufficientMemoryException => [failure.Message.ReplaceLineEndings(" ")],
        // A disk that is full or gone, files that may not be read: nothing that a stack trace would explain.
        IOException or UnauthorizedAccessException => [failure.Message.ReplaceLineEndings(" ")],
        PeerFailedException { InnerException: { } cause } => Mistake(cause),
        AggregateException { InnerExceptions: [var only] } => Mistake(only),
        _ => null,
    };
}

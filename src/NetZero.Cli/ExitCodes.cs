namespace NetZero.Cli;

/// <summary>How the tool ends.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>A defect of the tool itself, with a stack trace.</summary>
    public const int Defect = 1;

    /// <summary>The user asked for something that cannot be done, with one line that says what.</summary>
    public const int UserMistake = 2;

    /// <summary>A checkpoint is damaged, or not one of this run's; one line names it.</summary>
    public const int DamagedCheckpoint = 3;

    /// <summary>A native engine, such as the MPI library of the <c>mpirun</c> that started this process, is not there or does not fit.</summary>
    public const int EngineMissing = 4;

    /// <summary>Another rank has failed or is gone, so this one ended.</summary>
    public const int PeerFailed = 5;

    /// <summary><c>netzero doctor</c> has found something that should work and does not.</summary>
    public const int Unwell = 6;

    /// <summary>Ctrl+C: 128 + SIGINT, as shells count it.</summary>
    public const int Interrupted = 130;
}

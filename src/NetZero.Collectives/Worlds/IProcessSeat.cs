namespace NetZero.Collectives;

/// <summary>A rank's place in a world of processes, as the process needs it.</summary>
internal interface IProcessSeat : IRankSeat, IDisposable
{
    /// <summary>What this rank's run ends with, if it failed.</summary>
    Exception? Failure { get; }

    /// <summary>Whether the rank's thread has ended, so that nobody here uses what the seat holds any more.</summary>
    bool HasEnded { get; set; }

    /// <summary>Another rank is gone or has failed, as its process or its connection told.</summary>
    /// <param name="rank">Which.</param>
    /// <param name="lost">What is said when the rank itself left no word.</param>
    void Lose(int rank, Exception lost);

    /// <summary>Another rank's program has ended well.</summary>
    void NoteLeft(int rank);
}

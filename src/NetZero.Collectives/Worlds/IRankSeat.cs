using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>A rank's place in its world, as the rank's thread needs it, whatever carries the data.</summary>
internal interface IRankSeat
{
    int Rank { get; }

    /// <summary>What the rank calls is recorded here.</summary>
    CallRecorder Recorder { get; }

    /// <summary>The rank's latest calls, where others read them.</summary>
    CallHistory History { get; }

    /// <summary>The managed id of the thread that owns this rank.</summary>
    int ThreadId { get; set; }

    /// <summary>Whether the world has stopped before its time.</summary>
    bool IsStopped { get; }

    /// <summary>Completes when the world stops before its time.</summary>
    Task Stopping { get; }

    /// <summary>Cancelled when the world stops before its time: for what ranks await outside of collectives.</summary>
    CancellationToken StoppingToken { get; }

    /// <summary>Where the memory that collectives read and write comes from; null is anywhere.</summary>
    BlockSource? ExchangeMemory { get; }

    /// <summary>The group of all ranks.</summary>
    ProcessGroup OpenWorld();

    /// <summary>The rank fails. The first failure of the world counts; everybody is released.</summary>
    void Fail(Exception exception);

    /// <summary>Waits until nobody needs this rank's memory any more: a rank that ends well still serves the calls it has started.</summary>
    void Drain();

    /// <summary>The rank's program has ended: who waits for it is told.</summary>
    void Leave();

    /// <summary>After a stop: returns when nobody moves data any more, so that memory may be freed.</summary>
    void WaitUntilStill();

    /// <summary>The rank fails; when this returns, nobody touches its buffers any more.</summary>
    void Abort(Exception cause);

    /// <summary>Throws what a rank gets to see once the world has stopped.</summary>
    void ThrowIfStopped();

    /// <summary>What all ranks called last, as far as this one can find out.</summary>
    HangReport ReportHang();
}

namespace NetZero.Collectives;

/// <summary>A call that has started. It has two moments of completion, and they are awaited apart.</summary>
/// <remarks>
/// <para>// Note: the two moments of a collective.</para>
/// <para><see cref="Wait"/>: this rank's result is there. Its output may be read; its input may still be read by others.</para>
/// <para><see cref="WaitInputs"/>: nobody reads or writes this rank's buffers any more. Only now may an input be overwritten or freed. It
/// includes the first moment. A gather's input is a resident shard, so its second moment matters only before the next update; a
/// reduce-scatter's input is a gradient buffer, freed right after the second moment.</para>
/// <para>Between the call and these moments the buffers belong to the call: do not touch the output, do not change the input.</para>
/// <para>Waits may come in any order, on any rank. Calls may not: every rank makes the same calls on a group in the same order.</para>
/// <para>Leaving early through an exception: buffers of a call in flight may be freed only after <see cref="ProcessGroup.Abort"/>.</para>
/// </remarks>
public abstract class Work
{
    /// <summary>A call that needed nobody else.</summary>
    public static Work Completed { get; } = new CompletedWork();

    /// <summary>Whether both moments have passed. Never blocks.</summary>
    public abstract bool IsCompleted { get; }

    /// <summary>Returns when this rank's result is ready.</summary>
    /// <exception cref="CollectiveMismatchException">A rank made a different call.</exception>
    /// <exception cref="CollectiveTimeoutException">A rank did not come in time.</exception>
    /// <exception cref="PeerLeftException">A rank has finished without making this call.</exception>
    /// <exception cref="PeerFailedException">A rank has failed.</exception>
    /// <exception cref="OperationCanceledException">The world was cancelled.</exception>
    public abstract void Wait();

    /// <summary>Returns when, in addition, nobody uses this rank's buffers any more, so that they may be overwritten or freed.</summary>
    /// <inheritdoc cref="Wait" path="/exception"/>
    public abstract void WaitInputs();

    private sealed class CompletedWork : Work
    {
        public override bool IsCompleted => true;

        public override void Wait()
        {
        }

        public override void WaitInputs()
        {
        }
    }
}

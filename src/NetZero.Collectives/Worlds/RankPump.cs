namespace NetZero.Collectives;

/// <summary>Runs one rank's program on the rank's thread: what it awaits comes back here.</summary>
internal sealed class RankPump : SynchronizationContext
{
    private readonly object _gate = new();
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();
    private readonly Thread _thread = Thread.CurrentThread;
    private bool _closed;

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_gate)
        {
            // A rank that was given up has no thread to come back to; its memory is freed without it.
            if (_closed)
                return;
            _posted.Enqueue((d, state));
            Monitor.Pulse(_gate);
        }
    }

    /// <inheritdoc/>
    public override void Send(SendOrPostCallback d, object? state)
    {
        if (Thread.CurrentThread == _thread)
        {
            d(state);
            return;
        }

        using var done = new ManualResetEventSlim();
        Post(_ =>
        {
            d(state);
            done.Set();
        }, null);
        done.Wait();
    }

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs what is posted until the program ends; false if it has not <paramref name="grace"/> after the world stopped.</summary>
    public bool RunUntilDone(Task program, Task stopping, TimeSpan grace)
    {
        _ = program.ContinueWith(_ => Wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        _ = stopping.ContinueWith(_ => Wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        long? stoppedAt = null;
        while (true)
        {
            (SendOrPostCallback Callback, object? State) next;
            lock (_gate)
            {
                while (!_posted.TryDequeue(out next))
                {
                    if (program.IsCompleted)
                    {
                        _closed = true;
                        return true;
                    }

                    if (!stopping.IsCompleted)
                    {
                        Monitor.Wait(_gate);
                        continue;
                    }

                    stoppedAt ??= Environment.TickCount64;
                    var rest = grace - TimeSpan.FromMilliseconds(Environment.TickCount64 - stoppedAt.Value);
                    if (rest <= TimeSpan.Zero)
                    {
                        _closed = true;
                        return false;
                    }

                    Monitor.Wait(_gate, rest);
                }
            }

            next.Callback(next.State);
        }
    }

    private void Wake()
    {
        lock (_gate)
            Monitor.Pulse(_gate);
    }
}

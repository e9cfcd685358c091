using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>One rank's thread, from its first call to its last.</summary>
internal sealed class RankThread
{
    private readonly IRankSeat _seat;
    private readonly Func<RankContext, Task> _program;
    private readonly WorldOptions _options;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;

    public RankThread(IRankSeat seat, Func<RankContext, Task> program, WorldOptions options)
    {
        _seat = seat;
        _program = program;
        _options = options;
        _thread = new Thread(Run) { IsBackground = true, Name = $"netzero rank {seat.Rank}" };
    }

    /// <summary>Refuses calls and waits from a thread that does not own the rank.</summary>
    /// <exception cref="InvalidOperationException">This is another thread.</exception>
    public static void Check(IRankSeat seat)
    {
        if (Environment.CurrentManagedThreadId != seat.ThreadId)
        {
            throw new InvalidOperationException(
                $"Rank {seat.Rank} is used from thread {Environment.CurrentManagedThreadId}, but it belongs to thread {seat.ThreadId}; "
                + "make calls and waits on the rank's own thread (without ConfigureAwait(false) or Task.Run).");
        }
    }

    /// <summary>Completes when the rank has ended, well or not.</summary>
    public Task Ended => _ended.Task;

    public void Start() => _thread.Start();

    /// <summary>Waits for the thread itself, right after <see cref="Ended"/>.</summary>
    public void Join() => _thread.Join();

    private void Run()
    {
        TensorContext? tensors = null;
        try
        {
            _seat.ThreadId = Environment.CurrentManagedThreadId;
            tensors = new TensorContext(_options.Tensors with { ExchangeMemory = _seat.ExchangeMemory });
            RunProgram(tensors);
        }
        catch (Exception e)
        {
            _seat.Fail(e);
        }
        finally
        {
            // Failed ranks have stopped the world above, so that others see a failure, not a departure; and memory goes when nobody can
            // read it any more: after a good end all calls of this rank are over, after a stop nothing moves.
            _seat.Leave();
            if (_seat.IsStopped)
                _seat.WaitUntilStill();
            tensors?.Dispose();
            _ended.SetResult();
        }
    }

    private void RunProgram(TensorContext tensors)
    {
        var context = new RankContext(StreamedGroup.Of(_seat, _seat.OpenWorld(), tensors), tensors, _seat.StoppingToken);
        var pump = new RankPump();
        SynchronizationContext.SetSynchronizationContext(pump);
        var program = _program(context);
        if (!pump.RunUntilDone(program, _seat.Stopping, _options.StopGrace))
            return;
        program.GetAwaiter().GetResult();
        tensors.Synchronize();
        _seat.Drain();
    }
}

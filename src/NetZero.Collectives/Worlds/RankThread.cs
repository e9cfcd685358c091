using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>One rank's thread, from its first call to its last.</summary>
internal sealed class RankThread
{
    private readonly RankSeat _seat;
    private readonly Func<RankContext, Task> _program;
    private readonly WorldOptions _options;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;

    public RankThread(RankSeat seat, Func<RankContext, Task> program, WorldOptions options)
    {
        _seat = seat;
        _program = program;
        _options = options;
        _thread = new Thread(Run) { IsBackground = true, Name = $"netzero rank {seat.Rank}" };
    }

    /// <summary>Completes when the rank has ended, well or not.</summary>
    public Task Ended => _ended.Task;

    public void Start() => _thread.Start();

    /// <summary>Waits for the thread itself, right after <see cref="Ended"/>.</summary>
    public void Join() => _thread.Join();

    private void Run()
    {
        var world = _seat.World;
        TensorContext? tensors = null;
        try
        {
            _seat.ThreadId = Environment.CurrentManagedThreadId;
            tensors = new TensorContext(_options.Tensors);
            RunProgram(world, tensors);
        }
        catch (Exception e)
        {
            world.Fail(_seat.Rank, e);
        }
        finally
        {
            // Failed ranks have stopped the world above, so that others see a failure, not a departure; and memory goes when nobody can
            // read it any more: after a good end all calls of this rank are over, after a stop nothing moves.
            _seat.Leave();
            if (world.IsStopped)
                world.WaitUntilStill();
            tensors?.Dispose();
            _ended.SetResult();
        }
    }

    private void RunProgram(InProcessWorld world, TensorContext tensors)
    {
        var group = _seat.OpenGroup("world", [.. Enumerable.Range(0, world.Seats.Length)], _seat.Rank);
        var context = new RankContext(group, tensors, world.StoppingToken);
        var pump = new RankPump();
        SynchronizationContext.SetSynchronizationContext(pump);
        var program = _program(context);
        if (!pump.RunUntilDone(program, world.Stopping, _options.StopGrace))
            return;
        program.GetAwaiter().GetResult();
        _seat.Drain();
    }
}

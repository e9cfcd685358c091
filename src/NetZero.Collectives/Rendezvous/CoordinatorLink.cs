using System.Diagnostics;
using System.Net.Sockets;

namespace NetZero.Collectives;

/// <summary>A rank's connection to the <see cref="Coordinator"/>.</summary>
internal sealed class CoordinatorLink : IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(20);

    // Every rank tells every other one, so it is brief.
    private const int CallsOfOneThatLeaves = 8;

    private readonly NetworkStream _stream;
    private readonly WorkerEnvironment _worker;
    private readonly Lock _sending = new();
    private readonly Dictionary<int, RankHistory> _records = [];
    private readonly Dictionary<int, (RankHistory Said, long At)> _left = [];
    private readonly CancellationTokenSource _end = new();
    private Task _listening = Task.CompletedTask;
    private int _coordinatorProcess;
    private bool _hasLost;

    private CoordinatorLink(NetworkStream stream, WorkerEnvironment worker)
    {
        _stream = stream;
        _worker = worker;
    }

    /// <summary>Connects; the coordinator may come up later.</summary>
    /// <exception cref="RendezvousException">It did not come up in time.</exception>
    public static async Task<CoordinatorLink> ConnectAsync(WorkerEnvironment worker, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        for (var problem = "rank 0 has left no address"; ; await Task.Delay(RetryAfter, cancellation).ConfigureAwait(false))
        {
            // Looked up each time: what an earlier job has left in a file is replaced when rank 0 comes.
            if (Stopwatch.GetElapsedTime(start) > worker.JoinTimeout)
            {
                throw new RendezvousException(
                    $"rank {worker.Rank} did not reach {worker.RendezvousFile ?? $"{worker.MasterAddress}:{worker.MasterPort}"} within "
                    + $"{worker.JoinTimeout.TotalSeconds:0} s ({problem}); is rank 0 running, and are MASTER_ADDR and MASTER_PORT its address and port?");
            }

            if (await worker.FindAsync(cancellation).ConfigureAwait(false) is not { } address)
                continue;
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(address, cancellation).ConfigureAwait(false);
                return new CoordinatorLink(new NetworkStream(socket, ownsSocket: true), worker);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                problem = e.Message;

                // The launcher listens before it starts anybody.
                if (worker.HasLauncher)
                    throw new LauncherLostException(worker.Rank);
            }
        }
    }

    /// <summary>Introduces the rank and waits for the others.</summary>
    /// <returns>All ranks' introductions, by rank.</returns>
    /// <exception cref="RendezvousException">The world does not come about.</exception>
    public async Task<Hello[]> JoinAsync(Hello hello, CancellationToken cancellation)
    {
        Send(hello.ToFrame());
        using var reader = (await ExpectAsync(FrameKind.Members, cancellation).ConfigureAwait(false)).Reader();
        Hello[] hellos = [.. Enumerable.Range(0, hello.WorldSize).Select(_ => Hello.Read(reader))];
        _coordinatorProcess = hellos[0].ProcessId;
        return hellos;
    }

    /// <summary>Says that this rank has mapped everybody's memory and waits until all have.</summary>
    /// <exception cref="RendezvousException">The world does not come about.</exception>
    public async Task ReadyAsync(CancellationToken cancellation)
    {
        Send(Frame.Of(FrameKind.Mapped));
        await ExpectAsync(FrameKind.Go, cancellation).ConfigureAwait(false);
    }

    /// <summary>From now on tells the rank of others that fail or are gone, and answers for it when somebody asks for its records.</summary>
    public void Listen(IProcessSeat seat) => _listening = Task.Run(() => ListenAsync(seat));

    /// <summary>Asks all ranks for their latest calls; those that do not answer in time, or before one fails, are left out.</summary>
    /// <remarks>Not from the listening thread.</remarks>
    public RankHistory[] AskRecords(TimeSpan within)
    {
        lock (_records)
        {
            _records.Clear();

            // Who has left answers no more, and has said in leaving what it called last.
            foreach (var (rank, (said, at)) in _left)
            {
                var since = Stopwatch.GetElapsedTime(at).TotalSeconds;
                _records[rank] = said with { Calls = [.. said.Calls.Select(call => call with { SecondsAgo = call.SecondsAgo + since })] };
            }

            Send(Frame.Of(FrameKind.AskRecords));
            var end = Stopwatch.GetTimestamp() + (long)(within.TotalSeconds * Stopwatch.Frequency);
            while (_records.Count < _worker.WorldSize && !_hasLost
                && Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), end) is var rest && rest > TimeSpan.Zero)
                Monitor.Wait(_records, rest);
            return [.. _records.Values.OrderBy(rank => rank.Rank)];
        }
    }

    /// <summary>Tells the others why this rank fails.</summary>
    public void SendFailure(Exception cause) => Send(Frame.Of(FrameKind.Failed, writer =>
    {
        writer.Write(_worker.Rank);
        writer.Write(cause.GetType().FullName ?? cause.GetType().Name);
        writer.Write(cause.Message);
        var blamed = (cause as CollectiveException)?.BlamedRanks ?? [];
        writer.Write(blamed.Count);
        foreach (var rank in blamed)
            writer.Write(rank);
    }));

    /// <summary>Tells the others that this rank ends well, and what it called last.</summary>
    public void SendLeft(CallHistory history) => Send(Frame.Of(
        FrameKind.Left, writer => RecordsFrame.Write(writer, _worker.Rank, [.. history.Read().TakeLast(CallsOfOneThatLeaves)])));

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _stream.DisposeAsync().ConfigureAwait(false);
        _end.Dispose();
    }

    private async Task ListenAsync(IProcessSeat seat)
    {
        try
        {
            while (await Frame.ReadAsync(_stream, _end.Token).ConfigureAwait(false) is { } frame)
            {
                if (frame.Kind == FrameKind.Closing)
                    return;
                if (frame.Kind == FrameKind.AskRecords)
                {
                    Send(Frame.Of(FrameKind.Records, writer => RecordsFrame.Write(writer, _worker.Rank, seat.History.Read())));
                    continue;
                }

                using var reader = frame.Reader();
                if (frame.Kind == FrameKind.Records)
                {
                    Keep(RecordsFrame.Read(reader));
                    continue;
                }

                if (frame.Kind is not (FrameKind.Failed or FrameKind.Lost or FrameKind.Left))
                    continue;
                if (frame.Kind == FrameKind.Left)
                {
                    var said = RecordsFrame.Read(reader) with { State = "has ended" };
                    lock (_records)
                        _left[said.Rank] = (said, Stopwatch.GetTimestamp());
                    seat.NoteLeft(said.Rank);
                    continue;
                }

                var rank = reader.ReadInt32();
                seat.Lose(rank, frame.Kind == FrameKind.Lost
                    ? new RankLostException(rank, reader.ReadInt32())
                    : ReadFailure(reader));
                lock (_records)
                {
                    _hasLost = true;
                    Monitor.PulseAll(_records);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (IOException)
        {
            // As an end of the stream: who coordinated is gone.
        }

        if (_end.IsCancellationRequested)
            return;
        if (_worker.HasLauncher)
            seat.Fail(new LauncherLostException(_worker.Rank));
        else
            seat.Lose(0, new RankLostException(0, _coordinatorProcess));
    }

    /// <summary>What a rank said of its failure, behind its number.</summary>
    public static RemoteRankException ReadFailure(BinaryReader reader)
    {
        var (type, message) = (reader.ReadString(), reader.ReadString());
        var blamed = new int[reader.ReadInt32()];
        for (var i = 0; i < blamed.Length; i++)
            blamed[i] = reader.ReadInt32();
        return new RemoteRankException(type, message, blamed);
    }

    private async Task<Frame> ExpectAsync(FrameKind kind, CancellationToken cancellation)
    {
        var frame = await ReadAsync(cancellation).ConfigureAwait(false);
        if (frame.Kind == kind)
            return frame;
        using var reader = frame.Reader();
        throw new RendezvousException(frame.Kind switch
        {
            FrameKind.Refused => reader.ReadString(),
            FrameKind.Lost => $"rank {reader.ReadInt32()} is gone before the run began: its process {reader.ReadInt32()} was killed or has crashed",
            FrameKind.Failed => $"rank {reader.ReadInt32()} failed before the run began: {reader.ReadString()}: {reader.ReadString()}",
            _ => $"the coordinator said {frame.Kind} where {kind} was due",
        });
    }

    private void Keep(RankHistory records)
    {
        lock (_records)
        {
            _records[records.Rank] = records;
            Monitor.PulseAll(_records);
        }
    }

    private async Task<Frame> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            if (await Frame.ReadAsync(_stream, cancellation).ConfigureAwait(false) is { } frame)
                return frame;
        }
        catch (IOException e)
        {
            throw new RendezvousException($"rank {_worker.Rank} has lost the connection to {(_worker.HasLauncher ? "its launcher" : "rank 0")}", e);
        }

        throw new RendezvousException($"rank {_worker.Rank} has lost the connection to {(_worker.HasLauncher ? "its launcher" : "rank 0")}");
    }

    private void Send(Frame frame)
    {
        try
        {
            lock (_sending)
                frame.Write(_stream);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Whoever reads from the connection finds that it is closed and says what that means.
        }
    }
}

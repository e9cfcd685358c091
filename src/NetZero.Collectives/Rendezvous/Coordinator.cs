using System.Net;
using System.Net.Sockets;

namespace NetZero.Collectives;

/// <summary>Brings the ranks of a world together and tells all of them when one fails or is gone.</summary>
/// <remarks>
/// It lives in the launcher, or in rank 0 when ranks are started by hand. Each rank keeps one connection to it; the system closes the connections of a
/// process that dies, however it dies, so that all learn of it within milliseconds.
/// </remarks>
internal sealed class Coordinator : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly int _worldSize;
    private readonly string _job;
    private readonly TimeSpan _joinTimeout;
    private readonly Member?[] _members;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _allGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _tasks = [];
    private string? _refusal;
    private int _mapped;
    private int _gone;

    private Coordinator(TcpListener listener, int worldSize, string job, TimeSpan joinTimeout)
    {
        _listener = listener;
        _worldSize = worldSize;
        _job = job;
        _joinTimeout = joinTimeout;
        _members = new Member?[worldSize];
    }

    /// <summary>Where ranks connect to.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Told once, when all ranks have come and agree, before they are told so.</summary>
    public Action<IReadOnlyList<Hello>>? OnJoined { get; set; }

    /// <summary>Told once for each rank that fails (with what it said) or whose process is gone (with nothing).</summary>
    public Action<int, RemoteRankException?>? OnFailure { get; set; }

    /// <summary>Completes when every rank has joined and gone again.</summary>
    public Task AllGone => _allGone.Task;

    /// <summary>Begins to listen.</summary>
    /// <param name="endPoint">Where; port 0 is any that is free.</param>
    /// <param name="worldSize">Ranks to come.</param>
    /// <param name="job">The job's name; ranks of another job are turned away.</param>
    /// <param name="joinTimeout">How long all together have to come.</param>
    /// <exception cref="RendezvousException">The port is in use, or the address is not this machine's.</exception>
    public static Coordinator Start(IPEndPoint endPoint, int worldSize, string job, TimeSpan joinTimeout)
    {
        var listener = new TcpListener(endPoint);
        try
        {
            listener.Start();
        }
        catch (SocketException e)
        {
            throw new RendezvousException($"rank 0 cannot listen on {endPoint}: {e.Message}; choose another MASTER_PORT", e);
        }

        var coordinator = new Coordinator(listener, worldSize, job, joinTimeout);
        lock (coordinator._lock)
        {
            coordinator._tasks.Add(Task.Run(coordinator.AcceptAsync));
            coordinator._tasks.Add(Task.Run(coordinator.LimitJoiningAsync));
        }

        return coordinator;
    }

    /// <summary>Closes all connections; ranks that are still there are told that nothing is wrong.</summary>
    public async ValueTask DisposeAsync()
    {
        Broadcast(Frame.Of(FrameKind.Closing));
        await _end.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        Task[] tasks;
        lock (_lock)
            tasks = [.. _tasks];
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync(_end.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            lock (_lock)
                _tasks.Add(ServeAsync(socket));
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        socket.NoDelay = true;
        using var stream = new NetworkStream(socket, ownsSocket: true);
        Member? member = null;
        try
        {
            while (await Frame.ReadAsync(stream, _end.Token).ConfigureAwait(false) is { } frame)
            {
                if (member is null)
                    member = Admit(frame, stream);
                else
                    Hear(member, frame);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidDataException or ObjectDisposedException)
        {
            // The connection is over in any case; what it means is decided below.
        }

        if (member is not null && !_end.IsCancellationRequested)
            Close(member);
    }

    private Member? Admit(Frame frame, Stream stream)
    {
        if (frame.Kind != FrameKind.Hello)
            throw new InvalidDataException("The first message of a rank says who it is.");
        var hello = Hello.Read(frame.Reader());
        var member = new Member(hello, stream);
        string? problem;
        bool isLast;
        lock (_lock)
        {
            problem = _refusal ?? ProblemOf(hello);
            if (problem is null)
                _members[hello.Rank] = member;
            isLast = problem is null && Array.TrueForAll(_members, m => m is not null);
        }

        if (problem is not null)
        {
            member.Send(Refused(problem));
            throw new InvalidDataException(problem);
        }

        if (isLast)
            Complete();
        return member;
    }

    // What one rank's introduction says by itself.
    private string? ProblemOf(Hello hello) =>
        hello.Job != _job ? $"rank {hello.Rank} belongs to another job ('{hello.Job}'), which has come to the port of this one ('{_job}'); choose another MASTER_PORT"
        : hello.WorldSize != _worldSize ? $"rank {hello.Rank} was started for {hello.WorldSize} ranks, the others for {_worldSize}"
        : hello.Rank < 0 || hello.Rank >= _worldSize ? $"there is no rank {hello.Rank} among {_worldSize}"
        : _members[hello.Rank] is { } other ? $"two processes are rank {hello.Rank}: {other.Hello.ProcessId} on '{other.Hello.Machine}' and {hello.ProcessId} on '{hello.Machine}'"
        : null;

    private void Complete()
    {
        var first = _members[0]!.Hello;
        foreach (var member in _members)
        {
            if (first.DifferenceTo(member!.Hello) is { } difference)
            {
                Refuse(difference);
                return;
            }
        }

        OnJoined?.Invoke([.. _members.Select(member => member!.Hello)]);
        Broadcast(Frame.Of(FrameKind.Members, writer =>
        {
            foreach (var member in _members)
                member!.Hello.Write(writer);
        }));
    }

    private void Hear(Member member, Frame frame)
    {
        switch (frame.Kind)
        {
            case FrameKind.Mapped:
                if (Interlocked.Increment(ref _mapped) == _worldSize)
                    Broadcast(Frame.Of(FrameKind.Go));
                break;
            case FrameKind.Failed:
                member.HasFailed = true;
                using (var reader = frame.Reader())
                {
                    _ = reader.ReadInt32();
                    OnFailure?.Invoke(member.Hello.Rank, CoordinatorLink.ReadFailure(reader));
                }

                Broadcast(frame, except: member);
                break;
            case FrameKind.AskRecords or FrameKind.Records:
                Broadcast(frame);
                break;
            case FrameKind.Left:
                member.HasLeft = true;
                Broadcast(frame, except: member);
                break;
            default:
                throw new InvalidDataException($"A rank does not say {frame.Kind}.");
        }
    }

    private void Close(Member member)
    {
        member.IsGone = true;
        if (member is { HasLeft: false, HasFailed: false } && _refusal is null)
        {
            OnFailure?.Invoke(member.Hello.Rank, null);
            Broadcast(Frame.Of(FrameKind.Lost, writer =>
            {
                writer.Write(member.Hello.Rank);
                writer.Write(member.Hello.ProcessId);
            }));
        }

        if (Interlocked.Increment(ref _gone) == _worldSize)
            _allGone.TrySetResult();
    }

    private async Task LimitJoiningAsync()
    {
        try
        {
            await Task.Delay(_joinTimeout, _end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        var missing = Enumerable.Range(0, _worldSize).Where(rank => _members[rank] is null).ToArray();
        if (missing.Length > 0)
        {
            Refuse($"{(missing.Length == 1 ? "rank" : "ranks")} {string.Join(", ", missing)} of {_worldSize} did not come to {EndPoint} "
                + $"within {_joinTimeout.TotalSeconds:0} s");
        }
    }

    private void Refuse(string problem)
    {
        lock (_lock)
            _refusal ??= problem;
        Broadcast(Refused(problem));
    }

    private static Frame Refused(string problem) => Frame.Of(FrameKind.Refused, writer => writer.Write(problem));

    private void Broadcast(Frame frame, Member? except = null)
    {
        Member[] members;
        lock (_lock)
            members = [.. _members.OfType<Member>().Where(m => m != except && !m.IsGone)];
        foreach (var member in members)
            member.Send(frame);
    }

    private sealed class Member(Hello hello, Stream stream)
    {
        private readonly Lock _sending = new();

        public Hello Hello => hello;

        public bool HasLeft { get; set; }

        public bool HasFailed { get; set; }

        public bool IsGone { get; set; }

        public void Send(Frame frame)
        {
            try
            {
                lock (_sending)
                    frame.Write(stream);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // It is gone, which its own connection tells.
            }
        }
    }
}

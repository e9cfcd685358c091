using System.Diagnostics;
using NetZero.Tensors;

namespace NetZero.Collectives.Mpi;

/// <summary>One rank's place in a world whose ranks exchange data through MPI, and learn of each other's end from the coordinator.</summary>
internal sealed class MpiSeat : IProcessSeat
{
    // How long a wait is spun and how long its thread then only steps aside for others, before it sleeps between looks.
    private static readonly TimeSpan Spin = TimeSpan.FromMicroseconds(50);
    private static readonly TimeSpan StepAside = TimeSpan.FromMilliseconds(5);

    // How long ranks have to say what they called last.
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(1);

    // A rank that has left had all its calls over; a message of it may still be on its way for so long.
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    // After so long in one call a rank asks the others what they called: two that disagree are told so while a third has not come.
    private static readonly TimeSpan LookAround = TimeSpan.FromMilliseconds(500);

    private readonly MpiRuntime _runtime;
    private readonly CoordinatorLink _link;
    private readonly IReadOnlyList<Hello> _ranks;
    private readonly SharedMapping _records;
    private readonly RankArea _area;
    private readonly long[] _leftAt;
    private readonly int _mostElements;
    private readonly Dictionary<string, MpiGroup> _groups = [];
    private readonly WorksInFlight _inFlight = new();
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stoppingSource = new();
    private Exception? _failure;

    /// <summary>Takes a place.</summary>
    /// <param name="runtime">MPI, begun.</param>
    /// <param name="link">To the coordinator.</param>
    /// <param name="ranks">All ranks.</param>
    /// <param name="options">The timeout, and whether reductions follow the canonical tree.</param>
    /// <param name="mostElements">Elements of one message of MPI.</param>
    public MpiSeat(MpiRuntime runtime, CoordinatorLink link, IReadOnlyList<Hello> ranks, WorldOptions options, int mostElements)
    {
        _runtime = runtime;
        _link = link;
        _ranks = ranks;
        _mostElements = mostElements;
        _leftAt = new long[ranks.Count];
        Timeout = options.Timeout;
        Deterministic = options.Deterministic;

        // As ranks that share memory keep them, so that others can look into this process.
        _records = SharedMapping.Create("segment", SharedSegment.BytesWithoutBoards(runtime.Size));
        var segment = new SharedSegment(_records);
        segment.Format(runtime.Size);
        _records.RemoveName();
        _area = segment.AreaOf(Rank);
        _area.ProcessId = Environment.ProcessId;
        Progress = new MpiProgress(runtime, Fail);
    }

    public int Rank => _runtime.Rank;

    public int ThreadId { get; set; }

    public CallRecorder Recorder { get; } = new();

    public CallHistory History => _area.History;

    public TimeSpan Timeout { get; }

    public bool Deterministic { get; }

    public MpiProgress Progress { get; }

    public bool IsStopped => Volatile.Read(ref _failure) is not null;

    public Task Stopping => _stopping.Task;

    public CancellationToken StoppingToken => _stoppingSource.Token;

    public BlockSource? ExchangeMemory => null;

    public bool HasEnded { get; set; }

    public Exception? Failure => Volatile.Read(ref _failure);

    public ProcessGroup OpenWorld()
    {
        lock (_runtime.Gate)
        {
            var comm = MpiComm.Over(_runtime, _runtime.Abi.World, Rank, _runtime.Size, _mostElements);
            return _groups["world"] = new MpiGroup(this, "world", [.. Enumerable.Range(0, _runtime.Size)], comm);
        }
    }

    /// <summary>A group of some ranks of another one; one object for each name and ranks.</summary>
    public MpiGroup OpenGroup(MpiGroup parent, MpiComm comm, string name, int[] ranks, int rank)
    {
        var members = Array.ConvertAll(ranks, member => parent.Members[member]);
        var key = $"{name}: {string.Join(',', members)}";
        if (_groups.TryGetValue(key, out var group))
            return group;

        // Making a communicator waits for its other ranks with the gate held, so nothing that they wait for may be left to do.
        _inFlight.Drain();
        ThrowIfStopped();
        lock (_runtime.Gate)
        {
            var part = _runtime.Create(comm.Data, ranks, MpiSteps.SendCheckTag);
            return _groups[key] = new MpiGroup(this, name, members, MpiComm.Over(_runtime, part, rank, ranks.Length, _mostElements));
        }
    }

    public void Track(MpiWork work) => _inFlight.Add(work);

    public void Drain() => _inFlight.Drain();

    /// <summary>Returns when an operation is over.</summary>
    public void WaitFor(MpiGroup group, MpiOperation operation)
    {
        var (start, since, hasLooked) = (Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp(), false);
        using var waiting = Progress.BeginWaiting();
        try
        {
            while (!Progress.Advance(operation))
            {
                ThrowIfStopped();
                if (operation.DifferingPlace >= 0)
                    throw MismatchOf(group, operation);
                ThrowIfSomebodyLeft(group, operation);
                if (!hasLooked && Stopwatch.GetElapsedTime(start) >= LookAround)
                {
                    hasLooked = true;
                    ThrowIfSomebodyDiffers(group, operation);
                }

                if (Timeout != System.Threading.Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(since) >= Timeout)
                {
                    if (TimeoutOf(group, operation) is { } timeout)
                        throw timeout;
                    since = Stopwatch.GetTimestamp();
                }

                Rest(Stopwatch.GetElapsedTime(start));
            }
        }
        finally
        {
            Recorder.WaitSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    public void Fail(Exception exception)
    {
        if (Interlocked.CompareExchange(ref _failure, exception, null) is not null)
            return;
        _stopping.TrySetResult();

        // Not on this thread: callbacks are the users' code.
        _ = _stoppingSource.CancelAsync();
    }

    public void Lose(int rank, Exception lost) => Fail(
        lost is RemoteRankException remote && remote.TypeName == typeof(OperationCanceledException).FullName
            ? new OperationCanceledException("The other ranks of the run were cancelled.")
            : new PeerFailedException(rank, lost));

    public void NoteLeft(int rank) => Volatile.Write(ref _leftAt[rank], Stopwatch.GetTimestamp());

    /// <summary>The rank fails; when this returns, this process calls MPI no more.</summary>
    public void Abort(Exception cause)
    {
        Fail(cause);
        WaitUntilStill();
    }

    public void WaitUntilStill() => Progress.Halt();

    public void Leave()
    {
        // The coordinator tells the others.
    }

    public void ThrowIfStopped()
    {
        switch (Failure)
        {
            case null:
                return;
            case PeerFailedException peer:
                throw new PeerFailedException(peer.FailedRank, peer.InnerException!);
            case OperationCanceledException cancelled:
                throw new OperationCanceledException(cancelled.CancellationToken);
            case var own:
                throw new InvalidOperationException($"Rank {Rank} has already failed: {own.Message}", own);
        }
    }

    public void Dispose()
    {
        Progress.Dispose();
        _records.Dispose();
        _stoppingSource.Dispose();
    }

    private static unsafe void Rest(TimeSpan waited)
    {
        if (waited < Spin)
        {
            Thread.SpinWait(8);
        }
        else if (waited < StepAside || !OperatingSystem.IsLinux() || !LinuxMemory.HasFutex)
        {
            Thread.Sleep(0); // lets another rank run that shares this core; soon the wait is long enough to sleep, where the system can
        }
        else
        {
            var word = 0;
            LinuxMemory.SleepWhile(&word, 0, Spin);
        }
    }

    private void ThrowIfSomebodyLeft(MpiGroup group, MpiOperation operation)
    {
        if (operation.HaveAllArrived)
            return;
        foreach (var rank in MembersOf(group, operation))
        {
            if (Volatile.Read(ref _leftAt[rank]) is not 0 and var at && Stopwatch.GetElapsedTime(at) > LastWords)
            {
                var report = ReportUnlessStopped();
                throw new PeerLeftException(
                    $"Rank {rank} has finished its program, but rank {Rank} waits for it in {operation.Call} of group '{group.Name}'; "
                    + $"{report.Ranks[rank].LastCall}. Every rank must make the same calls.",
                    rank)
                {
                    Report = report,
                };
            }
        }
    }

    // Who makes the later of two calls that differ finds the earlier one here, so each rank needs to look but once.
    private void ThrowIfSomebodyDiffers(MpiGroup group, MpiOperation operation)
    {
        if (operation.HaveAllArrived || operation.Call.IsPointToPoint)
            return;
        var report = ReportUnlessStopped();
        if (CallOf(Rank) is not { } own)
            return;
        foreach (var rank in group.Members)
        {
            if (CallOf(rank) is not { } theirs || theirs.Agrees(own))
                continue;
            throw new CollectiveMismatchException(group.Name, Rank, operation.Call.ToString(), rank, theirs.ToString())
            {
                Report = report,
            };
        }

        HistoryEntry? CallOf(int rank) => SameCall(report.Ranks[rank], group, operation);
    }

    private CollectiveTimeoutException? TimeoutOf(MpiGroup group, MpiOperation operation)
    {
        var report = ReportUnlessStopped();
        int[] missing =
        [
            .. MembersOf(group, operation).Where(rank => rank != Rank && !report.Ranks[rank].Calls.Any(
                call => call.GroupId == group.Id && call.Sequence >= operation.Call.Sequence
                    && call.IsPair == operation.Call.IsPointToPoint)),
        ];
        if (missing.Length == 0)
            return null;
        var reports = missing.Select(rank => $"{report.Ranks[rank].Name}: {report.Ranks[rank].LastCall}");
        return new CollectiveTimeoutException(
            $"Rank {Rank} waited {Timeout.TotalSeconds:0.###} s in {operation.Call} of group '{group.Name}' for "
            + $"{(missing.Length == 1 ? "rank" : "ranks")} {string.Join(", ", missing)} ({string.Join("; ", reports)}). If the ranks are only "
            + "slow, raise the timeout.",
            missing)
        {
            Report = report,
        };
    }

    private CollectiveMismatchException MismatchOf(MpiGroup group, MpiOperation operation)
    {
        var report = ReportUnlessStopped();
        var other = group.Members[operation.DifferingPlace];
        var theirs = SameCall(report.Ranks[other], group, operation)?.ToString() ?? "something else";
        return new CollectiveMismatchException(group.Name, Rank, operation.Call.ToString(), other, theirs) { Report = report };
    }

    // What a rank called in the turn of an operation, as far as its records go back.
    private static HistoryEntry? SameCall(RankHistory rank, MpiGroup group, MpiOperation operation) => rank.Calls
        .Where(call => call.GroupId == group.Id && call.Sequence == operation.Call.Sequence && call.IsPair == operation.Call.IsPointToPoint)
        .Select(call => (HistoryEntry?)call).LastOrDefault();

    private static int[] MembersOf(MpiGroup group, MpiOperation operation) => operation.Call.IsPointToPoint ? [group.Members[operation.Call.Peer]] : group.Members;

    // Another rank may have found the same first, and said so: then it answers no more, and its word is the one that counts.
    private HangReport ReportUnlessStopped()
    {
        var report = ReportHang();
        ThrowIfStopped();
        return report;
    }

    // A rank that does not answer is in the report all the same: it is the likeliest to hold the others up.
    public HangReport ReportHang()
    {
        var answers = _link.AskRecords(AnswerWithin).ToDictionary(rank => rank.Rank);
        return HangReport.Of(
        [
            .. _ranks.Select(hello => answers.TryGetValue(hello.Rank, out var answer)
                ? answer
                : new RankHistory(hello.Rank, hello.ProcessId, $"{HostOf(hello)}{(Volatile.Read(ref _leftAt[hello.Rank]) != 0 ? "has ended" : "does not answer")}", [])
                {
                    IsKnown = false,
                }),
        ]);
    }

    // Where it is, if not all are on one machine.
    private string HostOf(Hello hello) => _ranks.All(other => other.Machine == hello.Machine) ? "" : $"on '{hello.Machine}', ";
}

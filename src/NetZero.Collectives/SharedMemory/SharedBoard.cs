using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NetZero.Collectives;

/// <summary>Where the ranks of one group meet in the segment: a ring of slots, each for one call at a time.</summary>
/// <remarks>
/// <para>// Note: a slot and its generations.</para>
/// <para>As among threads (see <see cref="Meeting"/>) a call is a bag of parts, and whoever waits does parts that nobody has taken. Call n uses
/// slot n mod <see cref="Depth"/>. The slot's generation is the call that it serves; whoever does the last part clears the slot and moves the
/// generation on, and a larger generation is how everybody else learns that the call is over. Each part's word holds (call, state): it is free
/// while it holds an earlier call, and a rank that is late cannot take a part of a later call by mistake. Nothing is locked: a rank that dies
/// leaves a part taken at most, and the others learn of its death while they wait.</para>
/// <para>Of a small input a rank leaves a copy in the slot. Its own memory is free then as soon as it has its result: it does not wait
/// until the others have theirs.</para>
/// </remarks>
internal sealed unsafe class SharedBoard
{
    /// <summary>Calls in flight at once; one more waits for the oldest.</summary>
    public const int Depth = 64;

    // Some tens of microseconds: a peer that is about to arrive has come by then.
    private const int SpinsBeforeStepAside = 16;

    private const int Taken = 1;
    private const int Done = 2;
    private const int TakenAndAwaited = 3;
    private const int StateBits = 2;

    // In larger groups copies for each rank would take more memory than the board of a group should, and lines for each part more time to look at.
    private const int MostRanksWithCopies = 16;

    // The counters, the parts' words, and an entry and a copy for each place.
    private const int CounterBytes = 3 * SharedSegment.LineBytes;
    private const int EntryBytes = 256;

    private readonly SharedSeat _seat;
    private readonly byte* _address;
    private readonly int[] _members;
    private readonly int _partWords;
    private readonly int _partStride;
    private readonly int _copyBytes;
    private readonly long _entries;
    private readonly long _slotBytes;
    private readonly CollectiveCall[] _calls;
    private long _callsOf = -1;

    public SharedBoard(SharedSeat seat, string name, string key, int[] members, bool isPair = false)
    {
        Debug.Assert(sizeof(SharedCall) <= EntryBytes, "An entry holds a call.");
        _seat = seat;
        _members = members;
        Name = name;
        _partWords = CallParts.Most(members.Length);
        _copyBytes = isPair || members.Length > MostRanksWithCopies ? 0 : CallParts.MostCopiedBytes;
        _partStride = _copyBytes == 0 ? sizeof(long) : SharedSegment.LineBytes;
        var partBytes = ((_partWords * _partStride) + SharedSegment.LineBytes - 1) / SharedSegment.LineBytes * SharedSegment.LineBytes;
        _entries = CounterBytes + partBytes;
        _slotBytes = _entries + (members.Length * (EntryBytes + _copyBytes));
        _calls = new CollectiveCall[members.Length];
        _address = seat.Segment.OpenBoard(key, Depth * _slotBytes, Format, seat.ThrowIfStopped);
    }

    public string Name { get; }

    /// <summary>The world ranks of the members.</summary>
    public int[] Members => _members;

    /// <summary>Whether ranks leave copies of their inputs, so that these are free once a rank has its own result.</summary>
    public bool CopiesInputs(in CollectiveCall call) => _copyBytes > 0 && CallParts.CanCopyInputs(call);

    /// <summary>Publishes a rank's call.</summary>
    /// <exception cref="CollectiveMismatchException">Another rank has made a different call; it gets the same exception.</exception>
    public void Arrive(int place, in CollectiveCall call)
    {
        var sequence = call.Sequence;
        var slot = SlotOf(sequence);
        if (Volatile.Read(ref slot->Generation) < sequence)
            WaitOver(sequence - Depth, place);

        EntryOf(slot, place).Publish(call, _seat.Arena, CopiesInputs(call) ? CopyOf(slot, place) : null);
        Interlocked.MemoryBarrier();
        for (var other = 0; other < _members.Length; other++)
        {
            ref var entry = ref EntryOf(slot, other);
            if (other != place && Volatile.Read(ref entry.Stamp) == sequence + 1 && !entry.Matches(EntryOf(slot, place)))
                Interlocked.CompareExchange(ref slot->Mismatch, ((long)(other + 1) << 32) | (uint)(place + 1), 0);
        }

        var last = Interlocked.Increment(ref slot->Arrivals) == _members.Length;
        if (Volatile.Read(ref slot->Mismatch) != 0)
        {
            WakeAll();
            ThrowIfMismatched(sequence);
        }

        if (!last)
            return;
        if (PartCount(call) == 0)
            Close(sequence);
        WakeAll();
    }

    /// <summary>Whether all ranks have arrived and all parts are done: nobody touches anybody's buffers any more.</summary>
    public bool IsOver(long sequence) => Volatile.Read(ref SlotOf(sequence)->Generation) > sequence;

    /// <summary>Returns when the result for <paramref name="place"/> is there, doing its part if nobody has.</summary>
    public void WaitResult(long sequence, int place)
    {
        AwaitArrivals(sequence, place);
        if (IsOver(sequence))
            return;
        var calls = Calls(sequence);
        if (calls.IsEmpty)
            return;
        if (!CallParts.HasOwnPart(calls[place]) && !CopiesInputs(calls[place]))
        {
            WaitParts(sequence, place);
            return;
        }

        if (TryDo(sequence, place))
            return;
        Interlocked.CompareExchange(ref PartOf(SlotOf(sequence), place), Word(sequence, TakenAndAwaited), Word(sequence, Taken));
        if (!IsDone(sequence, place))
            Block(sequence, place, place, static (board, number, part) => board.IsDone(number, part));
    }

    /// <summary>Returns when the whole call is over, doing all parts that nobody has taken.</summary>
    public void WaitOver(long sequence, int place)
    {
        AwaitArrivals(sequence, place);
        WaitParts(sequence, place);
    }

    private static long Word(long sequence, int state) => (sequence << StateBits) | (uint)state;

    private void Format(nint address)
    {
        for (var i = 0; i < Depth; i++)
        {
            var slot = (Slot*)(address + (i * _slotBytes));
            slot->Generation = i;
            for (var part = 0; part < _partWords; part++)
                PartOf(slot, part) = Word(i - Depth, Done);
        }
    }

    private Slot* SlotOf(long sequence) => (Slot*)(_address + (sequence % Depth * _slotBytes));

    private ref long PartOf(Slot* slot, int part) => ref *(long*)((byte*)slot + CounterBytes + (part * _partStride));

    private ref SharedCall EntryOf(Slot* slot, int place) => ref *(SharedCall*)((byte*)slot + _entries + (place * EntryBytes));

    private byte* CopyOf(Slot* slot, int place) => (byte*)slot + _entries + (_members.Length * EntryBytes) + (place * _copyBytes);

    private int PartCount(in CollectiveCall call) => CallParts.Count(call, _members.Length, CopiesInputs(call));

    private bool HaveArrived(long sequence)
    {
        var slot = SlotOf(sequence);
        var generation = Volatile.Read(ref slot->Generation);
        return generation > sequence
            || (generation == sequence && Volatile.Read(ref slot->Arrivals) == _members.Length && Volatile.Read(ref slot->Mismatch) == 0);
    }

    private bool IsDone(long sequence, int part)
    {
        var word = Volatile.Read(ref PartOf(SlotOf(sequence), part));
        return word >> StateBits > sequence || word == Word(sequence, Done);
    }

    private void AwaitArrivals(long sequence, int place)
    {
        if (!HaveArrived(sequence))
            Block(sequence, place, 0, static (board, number, _) => board.HaveArrived(number));
    }

    private void WaitParts(long sequence, int place)
    {
        var calls = Calls(sequence);
        if (!calls.IsEmpty)
        {
            // Each rank starts elsewhere, so that ranks that work together rarely reach for the same part.
            var parts = PartCount(calls[place]);
            var start = (int)((long)place * parts / _members.Length);
            for (var i = 0; i < parts && !IsOver(sequence); i++)
                TryDo(sequence, (start + i) % parts);
        }

        if (!IsOver(sequence))
            Block(sequence, place, 0, static (board, number, _) => board.IsOver(number));
    }

    // The calls of all places, with buffers where this process sees them. Empty when the call is over: then the entries may be of a later call.
    private ReadOnlySpan<CollectiveCall> Calls(long sequence)
    {
        if (_callsOf != sequence)
        {
            var slot = SlotOf(sequence);

            // What is kept of another call is gone from here on, also if this one turns out to be over.
            _callsOf = -1;
            for (var place = 0; place < _members.Length; place++)
                _calls[place] = EntryOf(slot, place).ReadUnnamed(_seat.ArenaOf(_members[place]), CopyOf(slot, place));
            Interlocked.MemoryBarrier();
            if (IsOver(sequence))
                return [];
            _callsOf = sequence;
        }

        return _calls;
    }

    private bool TryDo(long sequence, int part)
    {
        ref var word = ref PartOf(SlotOf(sequence), part);
        var found = Volatile.Read(ref word);
        if (found >> StateBits >= sequence || Interlocked.CompareExchange(ref word, Word(sequence, Taken), found) != found)
            return false;

        // The part is ours, so the call is not over and its entries stay.
        var calls = Calls(sequence);
        var parts = PartCount(calls[0]);
        _seat.BeginMoving();
        try
        {
            CallParts.Do(calls, part, parts, CopiesInputs(calls[0]));
        }
        finally
        {
            _seat.EndMoving();
        }

        var awaited = Interlocked.Exchange(ref word, Word(sequence, Done)) == Word(sequence, TakenAndAwaited);
        var last = Interlocked.Increment(ref SlotOf(sequence)->PartsDone) == parts;
        if (last)
            Close(sequence);
        if (awaited || last)
            WakeAll();
        return true;
    }

    // Clears the slot for the call after next. The generation comes last: it is what the others look at.
    private void Close(long sequence)
    {
        var slot = SlotOf(sequence);
        slot->Arrivals = 0;
        slot->PartsDone = 0;
        Interlocked.Exchange(ref slot->Generation, sequence + Depth);
    }

    private void WakeAll()
    {
        foreach (var rank in _members)
            _seat.Wake(rank);
    }

    // Waits for a condition that another rank brings about. Whoever does so wakes the sleeping ranks after the fact; a rank says that it sleeps
    // before it looks again: so no wake-up is lost.
    private void Block(long sequence, int place, int argument, Func<SharedBoard, long, int, bool> condition)
    {
        var start = Stopwatch.GetTimestamp();
        for (var spins = 0; Stopwatch.GetElapsedTime(start) < _seat.SpinTime; spins++)
        {
            // Whom this rank waits for may be waiting for its core.
            if (spins >= SpinsBeforeStepAside)
                Thread.Yield();
            for (var i = 0; i < 32; i++)
            {
                if (condition(this, sequence, argument))
                {
                    _seat.Recorder.WaitSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
                    return;
                }

                Thread.SpinWait(4);
            }
        }

        try
        {
            while (true)
            {
                var bed = _seat.PrepareToSleep();
                if (condition(this, sequence, argument))
                    return;
                ThrowIfMismatched(sequence);
                _seat.ThrowIfStopped();
                ThrowIfSomebodyLeft(sequence, place);
                var rest = _seat.Timeout == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : _seat.Timeout - Stopwatch.GetElapsedTime(start);
                if (rest <= TimeSpan.Zero && Missing(sequence) is { Count: > 0 } missing)
                    throw TimeoutOf(sequence, place, missing);
                _seat.Sleep(bed, rest);
            }
        }
        finally
        {
            _seat.EndSleep();
            _seat.Recorder.WaitSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    private void ThrowIfMismatched(long sequence)
    {
        var slot = SlotOf(sequence);
        if (Volatile.Read(ref slot->Generation) != sequence || Volatile.Read(ref slot->Mismatch) is not (var mismatch and not 0))
            return;
        var (first, second) = ((int)(mismatch >> 32) - 1, (int)(mismatch & int.MaxValue) - 1);
        throw new CollectiveMismatchException(Name, _members[first], CallAt(sequence, first), _members[second], CallAt(sequence, second))
        {
            Report = _seat.ReportHang(),
        };
    }

    private string CallAt(long sequence, int place) =>
        EntryOf(SlotOf(sequence), place).Read(_seat.ArenaOf(_members[place]), CopyOf(SlotOf(sequence), place)).ToString();

    private void ThrowIfSomebodyLeft(long sequence, int place)
    {
        foreach (var missing in Missing(sequence))
        {
            // Left first, then the entry: a rank that left after it arrived has arrived.
            if (_seat.HasLeft(_members[missing]) && Volatile.Read(ref EntryOf(SlotOf(sequence), missing).Stamp) != sequence + 1)
            {
                // A rank that left because the world has stopped is not the one to name.
                _seat.ThrowIfStopped();
                throw new PeerLeftException(
                    $"Rank {_members[missing]} has finished its program, but rank {_seat.Rank} waits for it in {CallAt(sequence, place)} of group "
                    + $"'{Name}'; {_seat.DescribeLastCall(_members[missing])}. Every rank must make the same calls.",
                    _members[missing])
                {
                    Report = _seat.ReportHang(),
                };
            }
        }
    }

    private CollectiveTimeoutException TimeoutOf(long sequence, int place, List<int> places)
    {
        int[] missing = [.. places.Select(p => _members[p])];
        var reports = missing.Select(rank => $"rank {rank}: {_seat.DescribeLastCall(rank)}");
        return new CollectiveTimeoutException(
            $"Rank {_seat.Rank} waited {_seat.Timeout.TotalSeconds:0.###} s in {CallAt(sequence, place)} of group '{Name}' for "
            + $"{(missing.Length == 1 ? "rank" : "ranks")} {string.Join(", ", missing)} ({string.Join("; ", reports)}). If the ranks are only "
            + "slow, raise the timeout.",
            missing)
        {
            Report = _seat.ReportHang(),
        };
    }

    // The places whose ranks have not arrived.
    private List<int> Missing(long sequence)
    {
        var missing = new List<int>();
        var slot = SlotOf(sequence);
        for (var place = 0; place < _members.Length; place++)
        {
            if (Volatile.Read(ref EntryOf(slot, place).Stamp) < sequence + 1)
                missing.Add(place);
        }

        return missing;
    }

    // What different ranks write at different times lies on lines of its own.
    [StructLayout(LayoutKind.Explicit)]
    private struct Slot
    {
        [FieldOffset(0)]
        public long Generation;

        [FieldOffset(SharedSegment.LineBytes)]
        public int Arrivals;

        [FieldOffset(2 * SharedSegment.LineBytes)]
        public int PartsDone;

        [FieldOffset((2 * SharedSegment.LineBytes) + sizeof(long))]
        public long Mismatch;
    }
}

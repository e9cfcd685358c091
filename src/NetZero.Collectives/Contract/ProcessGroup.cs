using System.Runtime.CompilerServices;
using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>A set of ranks that exchange data, as one of them sees it.</summary>
/// <remarks>
/// <para>Every rank makes the same calls on a group in the same order. A call publishes this rank's buffers and returns at once; what it
/// returns is waited for (see <see cref="Work"/>). Several calls may be in flight: an early start is a prefetch.</para>
/// <para>Each call carries a signature (number, operation, unit, elements, type); ranks that disagree get an error that names both calls.</para>
/// <para>Sums over ranks follow one canonical balanced binary tree over rank indices, split at the largest power of two below the count
/// (5 ranks: ((0+1)+(2+3))+4), on every transport: the same bits everywhere, wherever slices are cut. F32 and the 16-bit types
/// are added in fp32 and rounded once.</para>
/// <para>Calls and waits come from the rank's own thread. A group of one moves nothing and counts nothing.</para>
/// <para>The last parameters of each call are filled in by the compiler: reports name the line that made the call.</para>
/// </remarks>
public abstract partial class ProcessGroup
{
    private long _sequence;

    /// <summary>Sets what every group has.</summary>
    /// <param name="name">The group's name in errors and records.</param>
    /// <param name="rank">This rank's index within the group.</param>
    /// <param name="size">Ranks in the group.</param>
    /// <param name="timeout">How long a wait may last before missing ranks are named.</param>
    /// <param name="recorder">Where this rank's calls are recorded.</param>
    protected ProcessGroup(string name, int rank, int size, TimeSpan timeout, CallRecorder recorder)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        Name = name;
        Rank = rank;
        Size = size;
        Timeout = timeout;
        Recorder = recorder;
    }

    /// <summary>The group's name: <c>world</c>, or the mesh axis.</summary>
    public string Name { get; }

    /// <summary>This rank's index within the group.</summary>
    public int Rank { get; }

    /// <summary>Ranks in the group.</summary>
    public int Size { get; }

    /// <summary>How long a wait may last before the missing ranks are named.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>What this rank has called.</summary>
    public CallRecorder Recorder { get; }

    /// <summary>Every rank gets all shards, in rank order: <c>whole[r S .. (r+1) S) = shard of rank r</c>.</summary>
    /// <param name="label">Whose call it is.</param>
    /// <param name="shard">[S], this rank's part: own memory, or exactly its slice of <paramref name="whole"/> (in place).</param>
    /// <param name="whole">[N S], the result.</param>
    /// <param name="file">The caller's source file.</param>
    /// <param name="line">The caller's line.</param>
    /// <exception cref="ArgumentException">Sizes, types or memory do not fit.</exception>
    /// <exception cref="CollectiveException">Other ranks disagree, left or failed.</exception>
    public Work AllGather(
        in CallLabel label, CollectiveBuffer shard, CollectiveBuffer whole, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CheckShards(CollectiveOperation.AllGather, shard, whole);
        if (Size == 1)
            return MoveLocally(shard, whole);
        return Begin(NewCall(CollectiveOperation.AllGather, label, new(file, line), whole, shard, whole));
    }

    /// <summary>Every rank gets its slice of the reduction: <c>shard = op over ranks of whole[r S .. (r+1) S)</c>.</summary>
    /// <param name="label">Whose call it is.</param>
    /// <param name="whole">[N S], this rank's contribution; not changed, except where the call is in place.</param>
    /// <param name="shard">[S], the result: own memory, or exactly this rank's slice of <paramref name="whole"/> (in place).</param>
    /// <param name="op">How elements combine.</param>
    /// <param name="file">The caller's source file.</param>
    /// <param name="line">The caller's line.</param>
    /// <exception cref="ArgumentException">Sizes, types or memory do not fit.</exception>
    /// <exception cref="CollectiveException">Other ranks disagree, left or failed.</exception>
    public Work ReduceScatter(
        in CallLabel label, CollectiveBuffer whole, CollectiveBuffer shard, ReduceOp op, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CheckShards(CollectiveOperation.ReduceScatter, shard, whole);
        CheckReducible(CollectiveOperation.ReduceScatter, whole.DType, op);
        if (Size == 1)
            return MoveLocally(whole, shard);
        return Begin(NewCall(CollectiveOperation.ReduceScatter, label, new(file, line), whole, whole, shard, op));
    }

    /// <summary>Every rank's <paramref name="buffer"/> becomes the reduction of all, in place.</summary>
    /// <exception cref="ArgumentException">The type cannot be reduced so.</exception>
    /// <exception cref="CollectiveException">Other ranks disagree, left or failed.</exception>
    public Work AllReduce(
        in CallLabel label, CollectiveBuffer buffer, ReduceOp op, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CheckReducible(CollectiveOperation.AllReduce, buffer.DType, op);
        return Size == 1 ? Work.Completed : Begin(NewCall(CollectiveOperation.AllReduce, label, new(file, line), buffer, buffer, buffer, op));
    }

    /// <summary>Every rank's <paramref name="buffer"/> becomes the root's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such root.</exception>
    /// <exception cref="CollectiveException">Other ranks disagree, left or failed.</exception>
    public Work Broadcast(
        in CallLabel label, CollectiveBuffer buffer, int root, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CheckPeer(CollectiveOperation.Broadcast, root, allowSelf: true);
        return Size == 1 ? Work.Completed : Begin(NewCall(CollectiveOperation.Broadcast, label, new(file, line), buffer, buffer, buffer, peer: root));
    }

    /// <summary>Chunk r of rank s's <paramref name="input"/> becomes chunk s of rank r's <paramref name="output"/>; N equal chunks.</summary>
    /// <exception cref="ArgumentException">Sizes or types do not fit, or the buffers overlap.</exception>
    /// <exception cref="CollectiveException">Other ranks disagree, left or failed.</exception>
    public Work AllToAll(
        in CallLabel label, CollectiveBuffer input, CollectiveBuffer output, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CheckChunks(input, output);
        return Size == 1 ? MoveLocally(input, output) : Begin(NewCall(CollectiveOperation.AllToAll, label, new(file, line), input, input, output));
    }

    /// <summary>Sends <paramref name="buffer"/> to a rank that calls <see cref="Receive"/>. Calls of one pair match in their order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such rank, or this one.</exception>
    /// <exception cref="CollectiveException">The other rank disagrees, left or failed.</exception>
    public Work Send(
        in CallLabel label, CollectiveBuffer buffer, int to, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CheckPeer(CollectiveOperation.Send, to, allowSelf: false);
        return Begin(NewCall(CollectiveOperation.Send, label, new(file, line), buffer, buffer, default, peer: to, sequence: NextPairSequence(Rank, to)));
    }

    /// <summary>Receives what a rank sends into <paramref name="buffer"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such rank, or this one.</exception>
    /// <exception cref="CollectiveException">The other rank disagrees, left or failed.</exception>
    public Work Receive(
        in CallLabel label, CollectiveBuffer buffer, int from, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CheckPeer(CollectiveOperation.Receive, from, allowSelf: false);
        return Begin(NewCall(CollectiveOperation.Receive, label, new(file, line), buffer, buffer, buffer, peer: from, sequence: NextPairSequence(from, Rank)));
    }

    /// <summary>Returns when all ranks of the group have come here.</summary>
    /// <exception cref="CollectiveException">Other ranks disagree, left or failed.</exception>
    public virtual void Barrier(
        in CallLabel label, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (Size > 1)
            Begin(NewCall(CollectiveOperation.Barrier, label, new(file, line), default, default, default)).Wait();
    }

    /// <summary>Reduces a few host values over the ranks, in place, and returns when this rank has them. Counted apart from tensors.</summary>
    /// <remarks>Along the same canonical tree, in double precision.</remarks>
    /// <exception cref="CollectiveException">Other ranks disagree, left or failed.</exception>
    public void AllReduce(
        in CallLabel label, Span<double> values, ReduceOp op, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (Size > 1)
            ReduceScalars(NewScalarsCall(label, new(file, line), values.Length, op), values);
    }

    /// <summary>Reduces a few numbers in device memory over the ranks, in place and in stream order: the host does not wait for their values. Counted as scalars are.</summary>
    /// <remarks>Along the same canonical tree, in double precision.</remarks>
    /// <exception cref="CollectiveException">Other ranks disagree, left or failed.</exception>
    public void AllReduce(
        in CallLabel label, DeviceNumbers numbers, ReduceOp op, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (Size > 1)
            ReduceNumbers(NewScalarsCall(label, new(file, line), numbers.Count, op), numbers);
    }

    /// <summary>A group of some of this group's ranks; its rank i is this group's rank <c>ranks[i]</c>. Every member asks for it.</summary>
    /// <remarks>Asking again for the same name and ranks gives the same group.</remarks>
    /// <exception cref="ArgumentException">This rank is not among the ranks, or a rank appears twice or does not exist.</exception>
    public ProcessGroup CreateSubgroup(string name, IReadOnlyList<int> ranks)
    {
        var self = CheckMembers(ranks);
        return OpenSubgroup(name, ranks, self);
    }

    /// <summary>Says that this rank fails because of <paramref name="cause"/>; all others are released with it.</summary>
    /// <remarks>When it returns, no rank touches this rank's buffers any more, so that unwinding code may free them.</remarks>
    public abstract void Abort(Exception cause);

    /// <summary>Throws what a call would throw if the ranks have stopped before their time: another has failed, or all were cancelled. Else it does nothing.</summary>
    /// <remarks>For long computations between calls. When it throws, no rank touches this rank's buffers any more.</remarks>
    /// <exception cref="PeerFailedException">Another rank has failed.</exception>
    /// <exception cref="OperationCanceledException">The ranks were cancelled.</exception>
    public virtual void ThrowIfStopped()
    {
    }

    /// <summary>What the other ranks of the world have called last, as far as they can be asked; nothing where they cannot.</summary>
    /// <remarks>For errors: it may take a second.</remarks>
    public virtual IReadOnlyList<RankHistory> ReadOthers() => [];

    /// <summary>Starts a checked and recorded call.</summary>
    protected internal abstract Work Start(in CollectiveCall call);

    /// <summary>Does a scalar reduction to its end.</summary>
    protected internal abstract void ReduceScalars(in CollectiveCall call, Span<double> values);

    /// <summary>Reduces numbers in device memory, in stream order.</summary>
    protected internal virtual unsafe void ReduceNumbers(in CollectiveCall call, DeviceNumbers numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);

        // On Meta the call takes place, as any other does, and there is nothing to reduce.
        ReduceScalars(call, numbers.Pointer == null ? new double[numbers.Count] : new Span<double>(numbers.Pointer, numbers.Count));
    }

    /// <summary>Opens a subgroup in which this rank has index <paramref name="rank"/>.</summary>
    protected abstract ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank);

    private CollectiveCall NewScalarsCall(in CallLabel label, CallSite site, int count, ReduceOp op)
    {
        var call = new CollectiveCall
        {
            Sequence = _sequence++,
            Operation = CollectiveOperation.AllReduceScalars,
            Label = label,
            Site = site,
            Elements = count,
            Bytes = count * sizeof(double),
            ReduceOp = op,
            Peer = -1,
        };
        Recorder.Record(Name, Size, call);
        return call;
    }

    private Work Begin(in CollectiveCall call)
    {
        Recorder.Record(Name, Size, call);
        return Start(call);
    }
}

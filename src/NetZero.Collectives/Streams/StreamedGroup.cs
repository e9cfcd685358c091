using System.Runtime.CompilerServices;
using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>A group whose calls run in stream order: for devices whose kernels have not finished when their calls return.</summary>
/// <remarks>
/// A call is enqueued on the rank's communication stream, behind what the compute stream has been given so far. Its waits make the compute stream wait and
/// not the host, which goes on to enqueue what comes next. So a gather that was started early overlaps the kernels before its wait. Scalars and barriers,
/// which the host asks for, do make it wait; numbers on the device do not.
/// </remarks>
internal sealed unsafe class StreamedGroup : ProcessGroup
{
    private readonly ProcessGroup _inner;
    private readonly DeviceStream _compute;
    private readonly DeviceStream _communication;
    private readonly Dictionary<ProcessGroup, StreamedGroup> _subgroups = [];

    private StreamedGroup(ProcessGroup inner, DeviceStream compute, DeviceStream communication)
        : base(inner.Name, inner.Rank, inner.Size, inner.Timeout, inner.Recorder)
    {
        _inner = inner;
        _compute = compute;
        _communication = communication;
    }

    /// <summary>The world's group as the ranks of a device see it: the group itself where kernels have finished when their calls return.</summary>
    /// <remarks>The rank's calls and waits come from the thread of the communication stream from now on.</remarks>
    public static ProcessGroup Of(IRankSeat seat, ProcessGroup world, TensorContext tensors)
    {
        if (tensors.Device.IsSynchronous)
            return world;
        var communication = tensors.CreateStream("communication");
        communication.Enqueue(() => seat.ThreadId = Environment.CurrentManagedThreadId);
        communication.Synchronize();
        return new StreamedGroup(world, tensors.Stream, communication);
    }

    public override void Abort(Exception cause) => _inner.Abort(cause);

    public override void ThrowIfStopped() => _inner.ThrowIfStopped();

    public override IReadOnlyList<RankHistory> ReadOthers() => _inner.ReadOthers();

    public override void Barrier(in CallLabel label, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        base.Barrier(label, file, line);
        _communication.Synchronize();
    }

    protected internal override Work Start(in CollectiveCall call)
    {
        var later = call;
        _communication.WaitFor(_compute.Record());
        _communication.Enqueue(() => _inner.Start(later).WaitInputs());
        return new StreamedWork(_compute, _communication.Record());
    }

    protected internal override void ReduceScalars(in CollectiveCall call, Span<double> values)
    {
        var later = call;
        fixed (double* pointer = values)
        {
            var (address, count) = ((nint)pointer, values.Length);
            _communication.Enqueue(() => _inner.ReduceScalars(later, new Span<double>((double*)address, count)));
            _communication.Synchronize();
        }
    }

    protected internal override void ReduceNumbers(in CollectiveCall call, DeviceNumbers numbers)
    {
        var later = call;
        var (address, count) = ((nint)numbers.Pointer, numbers.Count);
        _communication.WaitFor(_compute.Record());
        _communication.Enqueue(() => _inner.ReduceScalars(later, new Span<double>((double*)address, count)));
        _compute.WaitFor(_communication.Record());
    }

    protected override Work MoveLocally(in CollectiveBuffer from, in CollectiveBuffer to)
    {
        if (from.Pointer == to.Pointer)
            return Work.Completed;
        _compute.Copy((nint)from.Pointer, (nint)to.Pointer, from.Bytes);
        return Work.Completed;
    }

    protected override ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank)
    {
        var inner = _inner.CreateSubgroup(name, ranks);
        if (!_subgroups.TryGetValue(inner, out var subgroup))
            _subgroups[inner] = subgroup = new StreamedGroup(inner, _compute, _communication);
        return subgroup;
    }

    private sealed class StreamedWork(DeviceStream compute, StreamEvent over) : Work
    {
        public override bool IsCompleted => over.IsReached;

        public override void Wait() => compute.WaitFor(over);

        // The call is over in the order of the stream, and so is whatever may overwrite or free its buffers.
        public override void WaitInputs() => compute.WaitFor(over);
    }
}

namespace NetZero.Tensors;

/// <summary>Work for a device, done in the order in which it was enqueued; two streams of a device run side by side unless events order them.</summary>
/// <remarks>
/// <para>Nothing that enqueues may assume that the work is done when the call returns. What the host wants to know it asks for with
/// <see cref="CopyToHost"/>, which waits, or begins to ask for with <see cref="BeginCopyToHost"/>. What another stream made is used only behind <see cref="WaitFor"/>.</para>
/// <para>// Note: memory in stream order. A block is freed at the point of the context's compute stream where the host freed it: work that was
/// enqueued there before may still use it. Another stream that uses the block must be waited for by the compute stream first.</para>
/// <para>Work that throws ends its stream: what follows on it, and on streams that wait for it, is not done, and the exception is what the next
/// call of the host on any of them throws.</para>
/// </remarks>
public abstract class DeviceStream : IDisposable
{
    /// <summary>Names the stream.</summary>
    protected DeviceStream(string name) => Name = name;

    /// <summary>What the stream is for: <c>compute</c>, or a name given to <see cref="TensorContext.CreateStream"/>.</summary>
    public string Name { get; }

    /// <summary>Enqueues a kernel.</summary>
    public abstract void Launch<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel;

    /// <summary>Enqueues a call on the host, such as one that exchanges data with other ranks.</summary>
    public abstract void Enqueue(Action work);

    /// <summary>A point of this stream: reached when all is done that was enqueued so far.</summary>
    public abstract StreamEvent Record();

    /// <summary>What is enqueued from now on is not begun before <paramref name="reached"/>. The host does not wait.</summary>
    public abstract void WaitFor(StreamEvent reached);

    /// <summary>Returns when all is done that was enqueued.</summary>
    public abstract void Synchronize();

    /// <summary>Copies device memory to the host once all is done that was enqueued, and returns then.</summary>
    public abstract void CopyToHost(nint source, Span<byte> destination);

    /// <summary>Enqueues a copy of device memory to the host, whose arrival is waited for later, if at all.</summary>
    /// <param name="source">The device memory.</param>
    /// <param name="bytes">How much of it: a few numbers. The stream keeps memory on the host for it.</param>
    public abstract HostRead BeginCopyToHost(nint source, int bytes);

    /// <summary>Enqueues a copy from the host; <paramref name="source"/> may be changed as soon as this returns.</summary>
    public abstract void CopyFromHost(ReadOnlySpan<byte> source, nint destination);

    /// <summary>Enqueues a copy within device memory; the two may not overlap.</summary>
    public abstract void Copy(nint source, nint destination, long bytes);

    /// <summary>Ends the stream. Work under way is finished, work that has not begun is dropped.</summary>
    public abstract void Dispose();
}

/// <summary>A point of a <see cref="DeviceStream"/>.</summary>
public abstract class StreamEvent
{
    /// <summary>A point that every stream is past.</summary>
    public static StreamEvent Past { get; } = new PastEvent();

    /// <summary>Whether the stream is past it. Never blocks.</summary>
    public abstract bool IsReached { get; }

    private sealed class PastEvent : StreamEvent
    {
        public override bool IsReached => true;
    }
}

namespace NetZero.Tensors;

/// <summary>The processor as a stream: work is done when the call that enqueues it returns.</summary>
internal sealed unsafe class InlineStream(string name, WorkerPool workers) : DeviceStream(name)
{
    public override void Launch<TKernel>(in TKernel kernel) => kernel.Run(workers);

    public override void Enqueue(Action work) => work();

    public override StreamEvent Record() => StreamEvent.Past;

    public override void WaitFor(StreamEvent reached)
    {
    }

    public override void Synchronize()
    {
    }

    public override void CopyToHost(nint source, Span<byte> destination) => new ReadOnlySpan<byte>((void*)source, destination.Length).CopyTo(destination);

    public override HostRead BeginCopyToHost(nint source, int bytes) => HostRead.Of(new ReadOnlySpan<byte>((void*)source, bytes));

    public override void CopyFromHost(ReadOnlySpan<byte> source, nint destination) => source.CopyTo(new Span<byte>((void*)destination, source.Length));

    public override void Copy(nint source, nint destination, long bytes) => Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);

    public override void Dispose()
    {
    }
}

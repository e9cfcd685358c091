using NetZero.Tensors;

namespace NetZero.Testing;

/// <summary>
/// The processor as an accelerator would be: its memory is out of the host's reach, and every kernel, copy and collective runs later, on a thread of
/// its stream, in stream order, after delays of its own.
/// </summary>
/// <remarks>
/// Freed memory is filled with NaN at the point of the compute stream where it was freed, so that a kernel that uses it afterwards, or another stream
/// that was not waited for, gives results that nobody takes for right.
/// </remarks>
/// <param name="timing">When work runs.</param>
/// <param name="kernels">Its kernels; null is the processor's code for every op.</param>
public sealed class DelayedDevice(DelayedTiming timing, KernelRegistry? kernels = null) : Device("delayed")
{
    private int _streams;

    /// <summary>The kernels: unless given otherwise, the processor's code for every op.</summary>
    public override KernelRegistry Kernels { get; } = kernels ?? new KernelRegistry("delayed").AddProcessorCode();

    /// <summary>Blocks are freed when the compute stream gets there.</summary>
    public override Allocator CreateAllocator(BlockSource source, DeviceStream compute) => new DelayedAllocator(new NativeAllocator(source), (DelayedStream)compute);

    /// <summary>A stream with a thread of its own.</summary>
    public override DeviceStream CreateStream(string name, WorkerPool workers) => new DelayedStream(name, Interlocked.Increment(ref _streams), workers, timing, Kernels);

    private sealed unsafe class DelayedAllocator(NativeAllocator inner, DelayedStream compute) : Allocator
    {
        private readonly Lock _lock = new();

        public override nint Allocate(long bytes)
        {
            lock (_lock)
            {
                var block = inner.Allocate(bytes);
                SystemAllocations = inner.SystemAllocations;
                return block;
            }
        }

        public override void Free(nint pointer, long bytes) => compute.EnqueueFree(() =>
        {
            for (long done = 0; done < bytes; done += int.MaxValue)
                new Span<byte>((byte*)pointer + done, (int)Math.Min(int.MaxValue, bytes - done)).Fill(0xFF);
            lock (_lock)
                inner.Free(pointer, bytes);
        });

        protected override void Dispose(bool disposing) => inner.Dispose();
    }
}

/// <summary>When the work of a <see cref="DelayedDevice"/> runs.</summary>
/// <param name="Seed">Of the random delays.</param>
/// <param name="SlowStream">A stream that falls behind the others before each of its first pieces of work; null is none.</param>
public sealed record DelayedTiming(int Seed, string? SlowStream = null)
{
    /// <summary>Pieces of work of the slow stream that wait for <see cref="Lag"/>.</summary>
    public int SlowPieces { get; init; } = 20;

    /// <summary>How long the slow stream waits before a piece of work: far longer than the others take for theirs.</summary>
    public TimeSpan Lag { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>One in this many pieces of work waits for up to a millisecond; the others give their turn to another thread or go on at once.</summary>
    public int OneInWaits { get; init; } = 40;
}

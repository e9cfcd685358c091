using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>The device that runs later keeps the rules of streams, and shows who breaks them.</summary>
public unsafe class DelayedDeviceTests
{
    private const int Elements = 1000;

    [Theory]
    [InlineData("compute")]
    [InlineData("other")]
    public void Streams_OrderedByEvents_SeeEachOthersWork(string slow)
    {
        using var context = Context(slow);
        var other = context.CreateStream("other");
        var (x, y) = (context.Full([Elements], 1), context.Empty([Elements]));
        other.WaitFor(context.Stream.Record());
        Copy(other, x, y);
        context.Stream.WaitFor(other.Record());
        x.Free();
        Assert.All(y.ToArray<float>(), value => Assert.Equal(1, value));
    }

    [Fact]
    public void MissingEvent_BeforeAnotherStreamReads_ShowsInItsResult()
    {
        using var context = Context("compute");
        var other = context.CreateStream("other");
        var (x, y) = (context.Zeros([Elements]), context.Zeros([Elements]));
        context.Synchronize();
        context.Stream.Launch(new FillKernel(x.Data<float>(), Elements, 1));
        Copy(other, x, y);
        context.Stream.WaitFor(other.Record());
        Assert.Contains(y.ToArray<float>(), value => value != 1);
    }

    [Fact]
    public void BufferFreedEarly_WhileAnotherStreamReads_ShowsInItsResult()
    {
        using var context = Context("other");
        var other = context.CreateStream("other");
        var (x, y) = (context.Full([Elements], 1), context.Zeros([Elements]));
        other.WaitFor(context.Stream.Record());
        Copy(other, x, y);
        x.Free();
        context.Stream.WaitFor(other.Record());
        Assert.Contains(y.ToArray<float>(), float.IsNaN);
    }

    [Fact]
    public void BufferFreedEarly_OnItsOwnStream_ShowsInTheResult()
    {
        using var context = Context("compute");
        var x = context.Full([Elements], 1);
        var pointer = x.Data<float>();
        var y = context.Zeros([Elements]);
        x.Free();
        context.Stream.Launch(new CopyPieces(pointer, y.Data<float>()));
        Assert.Contains(y.ToArray<float>(), float.IsNaN);
    }

    [Fact]
    public void Free_BehindAKernelThatHasNotRun_LeavesItsMemory()
    {
        using var context = Context("compute");
        var x = context.Full([Elements], 1);
        var y = x * 2f;
        x.Free();
        var z = context.Full([Elements], 5);
        Assert.All(y.ToArray<float>(), value => Assert.Equal(2, value));
        Assert.All(z.ToArray<float>(), value => Assert.Equal(5, value));
    }

    [Fact]
    public void KernelThatThrows_IsToldAtTheNextWait_OnEveryStreamThatWaitsForIt()
    {
        using var context = Context(null);
        var other = context.CreateStream("other");
        var ids = context.From<long>([0, 9], [2]);
        _ = context.Zeros([4, 3]).Embedding(ids);
        other.WaitFor(context.Stream.Record());
        Assert.Contains("id 9", Assert.Throws<ArgumentException>(context.Stream.Synchronize).Message, StringComparison.Ordinal);
        Assert.Contains("id 9", Assert.Throws<ArgumentException>(other.Synchronize).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => context.Zeros([1]));
    }

    [Fact]
    public void HostReads_AreCounted()
    {
        using var context = Context(null);
        var x = context.Full([3, 4], 2);
        Assert.Equal(0, context.HostReads);
        Assert.Equal(48, x.SumOfSquares());
        Assert.Equal(2, x.Slice(0, 1, 1).ToArray<float>()[0]);
        Assert.Equal(2, context.HostReads);
    }

    [Fact]
    public void CopyFrom_SourceChangedAfterwards_KeepsWhatWasGiven()
    {
        using var context = Context("compute");
        float[] values = [1, 2, 3];
        var x = context.From<float>(values, [3]);
        values[1] = 7;
        Assert.Equal([1, 2, 3], x.ToArray<float>());
    }

    private static TensorContext Context(string? slow) => new(new TensorContextOptions { Device = new DelayedDevice(new DelayedTiming(1, slow)) });

    private static void Copy(DeviceStream stream, Tensor from, Tensor to) => stream.Launch(new CopyPieces(from.Data<float>(), to.Data<float>()));

    private readonly struct CopyPieces(float* from, float* to) : IKernel
    {
        public KernelWork Work => KernelWork.Pass(2 * Elements);

        public DType DType => DType.F32;

        public void Describe(ref KernelArguments arguments)
        {
            arguments.Add(from);
            arguments.Add(to);
        }

        public void Run(WorkerPool workers) => new Span<float>(from, Elements).CopyTo(new Span<float>(to, Elements));
    }
}

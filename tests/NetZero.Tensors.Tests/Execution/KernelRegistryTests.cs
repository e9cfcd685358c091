using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>A device has the kernels that were registered for it, and says what is missing.</summary>
public unsafe class KernelRegistryTests
{
    [Fact]
    public void MissingKernel_IsAnErrorThatNamesOpDeviceAndType()
    {
        using var context = Context(new KernelRegistry("bare"));
        var e = Assert.Throws<MissingKernelException>(() => context.Full([3], 1));
        Assert.Equal(("Fill", "bare", DType.F32), (e.Op, e.DeviceName, e.DType));
        Assert.Equal("The device 'bare' has no kernel 'Fill' for F32; register one with KernelRegistry.Add, or compute in a type that it has.", e.Message);
    }

    [Fact]
    public void MissingType_IsNamed_WhereAnotherIsThere()
    {
        using var context = Context(new KernelRegistry("bare").AddProcessorCode((op, dtype) => op != "Unary Relu" || dtype == DType.F32));
        var x = context.Full([3], -1);
        Assert.Equal([0, 0, 0], x.Relu().ToArray<float>());
        Assert.Equal(("Unary Relu", DType.BF16), Named(Assert.Throws<MissingKernelException>(() => x.Cast(DType.BF16).Relu())));

        static (string Op, DType DType) Named(MissingKernelException e) => (e.Op, e.DType);
    }

    [Fact]
    public void OwnKernel_IsCalledWithTheArguments_AndOthersRunTheProcessorsCode()
    {
        var calls = 0;
        var kernels = new KernelRegistry("own").AddProcessorCode().Add("Fill", DType.F32, (DeviceStream stream, in KernelArguments arguments) =>
        {
            calls++;
            Assert.Equal(3, arguments.Count);
            var (y, count, value) = ((nint)arguments.Address(0), arguments.Int64(1), arguments.Single(2));
            stream.Enqueue(() => new Span<float>((void*)y, (int)count).Fill(2 * value));
        });
        using var context = Context(kernels);
        Assert.Equal([6, 6, 6, 6], context.Full([4], 3).ToArray<float>());
        Assert.Equal([7, 7, 7, 7], (context.Full([4], 3) + 1).ToArray<float>());
        Assert.Equal(2, calls);
    }

    [Fact]
    public void Add_OfWhatIsThere_IsRefused_AndOfWhatWasFoundMissing_Counts()
    {
        var kernels = new KernelRegistry("own");
        Assert.False(kernels.Has<FillKernel>(DType.F32));
        kernels.Add("Fill", DType.F32, Nothing);
        Assert.True(kernels.Has<FillKernel>(DType.F32));
        Assert.False(kernels.Has<FillKernel>(DType.BF16));
        Assert.Contains("'own' has a kernel 'Fill' for F32", Assert.Throws<ArgumentException>(() => kernels.Add("Fill", DType.F32, Nothing)).Message, StringComparison.Ordinal);

        // Own kernels go before the processor's code, also when they come later.
        kernels.AddProcessorCode();
        Assert.Null(kernels.Find(new ClearKernel(null, 0)));
        kernels.Add("Clear", DType.U8, Nothing);
        Assert.NotNull(kernels.Find(new ClearKernel(null, 0)));

        static void Nothing(DeviceStream stream, in KernelArguments arguments)
        {
        }
    }

    [Fact]
    public void Find_AndCall_AllocateNothing()
    {
        var kernels = new KernelRegistry("own").Add("Fill", DType.F32, static (DeviceStream _, in KernelArguments _) => { });
        using var context = new TensorContext();
        var kernel = new FillKernel(null, 5, 7);
        Call();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Call();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Call() => KernelArguments.Call(kernels.Find(kernel)!, context.Stream, kernel);
    }

    [Fact]
    public void LongestDescription_FitsIntoItsSlots()
    {
        var most = 0;
        var registry = new KernelRegistry("own").AddProcessorCode((op, _) => op != "Ternary Select")
            .Add("Ternary Select", DType.F32, (DeviceStream _, in KernelArguments arguments) => most = Math.Max(most, arguments.Count));
        using var context = Context(registry);
        // Eight dimensions of which no two merge.
        var x = context.Full([2, 2, 2, 2, 2, 2, 2, 2], 1).Permute(7, 6, 5, 4, 3, 2, 1, 0);
        var condition = context.Zeros([2, 2, 2, 2, 2, 2, 2, 2]).Cast(DType.U8);
        _ = Ternary(condition, x, context.Full([2, 2, 2, 2, 2, 2, 2, 2], 1));
        Assert.InRange(most, 40, KernelArguments.MaxCount);

        static Tensor Ternary(Tensor condition, Tensor a, Tensor b) => Tensor.Where(condition, a, b);
    }

    private static TensorContext Context(KernelRegistry kernels) =>
        new(new TensorContextOptions { Device = new DelayedDevice(new DelayedTiming(1), kernels) });
}

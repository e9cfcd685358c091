namespace NetZero.Tensors.Tests;

public class KernelObserverTests
{
    private sealed class Calls : List<KernelLaunch>, IKernelObserver
    {
        public void OnLaunch(in KernelLaunch launch) => Add(launch);
    }

    private static Calls Watch(Device device)
    {
        using var tensors = new TensorContext(new TensorContextOptions { Device = device });
        var calls = new Calls();
        using var step = tensors.BeginStepScope("step");
        var x = tensors.Full([4, 6], 1).RequireGrad();
        var weight = tensors.Full([6, 8], 1).RequireGrad();
        tensors.KernelObserver = calls;
        x.Linear(weight).Gelu().Sum().Backward();
        return calls;
    }

    [Fact]
    public void Calls_AreTheSameOnMetaAndOnTheProcessor()
    {
        Assert.Equal(Watch(Device.Cpu).Select(call => (call.Kernel, call.Work)), Watch(Device.Meta).Select(call => (call.Kernel, call.Work)));
        Assert.All(Watch(Device.Cpu), call => Assert.True(call.End >= call.Start));
    }

    // Forward [4, 6] x [6, 8]; backward [4, 8] x [8, 6] and [6, 4] x [4, 8].
    [Fact]
    public void Gemms_HaveTheirFlopsAndBytes()
    {
        var gemms = Watch(Device.Meta).Where(call => call.Kernel == "Gemm").Select(call => call.Work).ToArray();
        Assert.Equal([384.0, 384.0, 384.0], gemms.Select(work => work.Flops));
        Assert.Equal(4.0 * (24 + 48 + 32), gemms[0].Bytes);
    }

    // Operands count as what they are: [4, 6] x [6, 8] in 2 bytes, the 32 results as they are kept; GELU reads and writes 32, its gradient reads two and writes one.
    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void SixteenBitOperands_CountTwoBytes(DType dtype)
    {
        using var tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        var calls = new Calls();
        using var step = tensors.BeginStepScope("step");
        var x = tensors.Full([4, 6], 1).Cast(dtype);
        var weight = tensors.Full([6, 8], 1).Cast(dtype);
        tensors.KernelObserver = calls;
        x.Linear(weight).Gelu();

        Assert.Equal([("Gemm", dtype, 2.0 * (24 + 48 + 32)), ("Unary Gelu", dtype, 2.0 * (32 + 32))], calls.Select(call => (call.Kernel, call.DType, call.Work.Bytes)));
    }

    // AdamW reads and writes values and two moments in 4 bytes, and reads the gradient in its own.
    [Theory]
    [InlineData(DType.F32, 28)]
    [InlineData(DType.BF16, 26)]
    public void Update_CountsTheGradientInItsType(DType gradient, double bytesOfEach)
    {
        using var tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        var (values, gradients) = (tensors.Full([64], 1), tensors.Full([64], 1).Cast(gradient));
        var moment = FlatState.Of(tensors.Full([64], 0));
        var kernel = new AdamWKernel(FlatStretch.Of(values, gradients, 0, 64, null), moment, moment, new AdamWSettings(1e-3, 0.9, 0.999, 1e-8, 0, 1));

        Assert.Equal(64 * bytesOfEach, kernel.Work.Bytes);
    }

    [Fact]
    public void Names_SayKernelAndRule() => Assert.Contains("Unary Gelu", Watch(Device.Meta).Select(call => call.Kernel));
}

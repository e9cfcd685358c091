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

    [Fact]
    public void Names_SayKernelAndRule() => Assert.Contains("Unary Gelu", Watch(Device.Meta).Select(call => call.Kernel));
}

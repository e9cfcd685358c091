using NetZero.Tensors;
using NetZero.Testing;
using NetZero.Training.Tests.EndToEnd;

namespace NetZero.Training.Tests.Checkpoints;

/// <summary>The trainer's own run on a device whose memory is its own and that does everything later: dropout, accumulation, clipping, evaluation, checkpoints, resume.</summary>
public sealed class DelayedDeviceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 2, true, "optimizer={\"type\": \"LAMB\", \"params\": {\"lr\": 0.01}}")]
    [InlineData(2, 2, false, "fp16={\"enabled\": true, \"initial_scale_power\": 17, \"loss_scale_window\": 2, \"hysteresis\": 1}")]
    [InlineData(3, 2, true, "optimizer={\"params\": {\"lr\": 0.01, \"state_dtype\": \"int8\"}}")]
    [InlineData(3, 3, false, "bf16.enabled=true")]
    public async Task Run_SavedAndResumed_HasTheProcessorsMetricsAndWeights_AndEitherGoesOnFromTheOthersCheckpoints(int stage, int ranks, bool beside, string setting)
    {
        string[] settings = [$"ranks={ranks}", $"zero_optimization.stage={stage}", setting];
        string[] saving = [.. settings, "checkpoint.every_steps=2", $"checkpoint.async={(beside ? "true" : "false")}"];
        var processor = new CheckpointRun(_folder);
        var delayed = new CheckpointRun(_folder) { Device = new DelayedDevice(new DelayedTiming(stage)) };
        await processor.TrainAsync("processor", null, 0, settings);

        await delayed.TrainAsync("delayed", null, 0, saving);
        processor.AssertSame("processor", "delayed");

        await delayed.TrainAsync("parts", null, 3, saving);
        await delayed.TrainAsync("parts", "auto", 0, saving);
        processor.AssertSame("processor", "parts");

        await delayed.TrainAsync("there", null, 3, saving);
        await processor.TrainAsync("there", "auto", 0, saving);
        processor.AssertSame("processor", "there");

        await processor.TrainAsync("back", null, 3, saving);
        await delayed.TrainAsync("back", "auto", 0, saving);
        processor.AssertSame("processor", "back");
    }

    [Fact]
    public async Task DeviceWithoutSomeKernels_LearnsTheSame_AndSaysOnceWhatItComposes()
    {
        var kernels = new KernelRegistry("sparse").AddProcessorCode((op, _) => op is not ("LayerNormForward" or "Binary GeluBackward"));
        var device = new DelayedDevice(new DelayedTiming(1), kernels);
        var notices = new Notices();
        var (processor, sparse) = (new Run(_folder, "processor"), new Run(_folder, "sparse"));
        var text = _folder.Write("text", string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i % 311} ")));
        await processor.TrainAsync(text);
        await Trainer.RunAsync(sparse.Configure(text), new TrainingOptions { Device = device }, notices);

        Assert.Equal(2, notices.Lines.Count);
        Assert.Single(notices.Lines, line => line.Contains("LayerNorm on F32", StringComparison.Ordinal));
        Assert.Single(notices.Lines, line => line.Contains("Gelu on F32", StringComparison.Ordinal));

        // Other orders of the same few fp32 operations, over three steps.
        foreach (var (expected, found) in processor.Losses.Zip(sparse.Losses))
            Assert.Equal(expected, found, expected * 1e-5);
        Assert.NotEqual(processor.ModelBytes, sparse.ModelBytes);
    }

    [Fact]
    public async Task DeviceWithoutAKernelThatNothingReplaces_EndsTheRun_AndNamesOpDeviceAndType()
    {
        var kernels = new KernelRegistry("sparse").AddProcessorCode((op, _) => op != "Gemm");
        var text = _folder.Write("text", new string('a', 400));
        var e = await Assert.ThrowsAsync<MissingKernelException>(() =>
            Trainer.RunAsync(new Run(_folder, "run").Configure(text), new TrainingOptions { Device = new DelayedDevice(new DelayedTiming(1), kernels) }, new Notices()));
        Assert.Equal(("Gemm", "sparse", DType.F32), (e.Op, e.DeviceName, e.DType));
    }

    private sealed class Notices : ITrainingObserver
    {
        public List<string> Lines { get; } = [];

        public void OnNotice(string notice) => Lines.Add(notice);
    }
}

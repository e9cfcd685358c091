using NetZero.Planning;

namespace NetZero.Training.Tests;

public class TrainBenchmarkTests
{
    [Theory]
    [InlineData("small", 6, 384, 6, 256, 12)]
    [InlineData("gpt2", 12, 768, 12, 50257, 2)]
    public void Shape_IsThatOfTheComparisons(string shape, int layers, int hidden, int heads, int vocabulary, int batchPerRank)
    {
        var c = TrainBenchmark.Configure(new TrainBenchmarkOptions(shape, Ranks: 2, Stage: 1, Threads: 3, Steps: 5), "text");

        Assert.Equal((layers, hidden, heads, vocabulary), (c.Model.Layers, c.Model.Embedding, c.Model.Heads, c.Model.VocabularySize));
        Assert.Equal((256, 256), (c.Data.SequenceLength, c.Model.Positions));
        Assert.Equal((batchPerRank, 1, 2 * batchPerRank), (c.MicroBatchSize, c.AccumulationSteps, c.TrainBatchSize));
        Assert.Equal((2, 1, 3, 8), (c.Ranks, c.Zero.Stage, c.ThreadsPerRank, c.Steps));
        // What is put together here must be what a configuration file could say.
        Assert.Equal(c.ToJson(), RunConfiguration.Parse(System.Text.Encoding.UTF8.GetString(c.ToJson())).ToJson());
    }

    [Theory]
    [InlineData("shape is 'big'; expected one of small, gpt2", "big", 1, 0, 1, 1)]
    [InlineData("ranks is 0; expected a whole number, at least 1", "small", 0, 0, 1, 1)]
    [InlineData("stage is 4; expected a whole number, from 0 to 3", "small", 1, 4, 1, 1)]
    [InlineData("threads is 0; expected a whole number, at least 1", "small", 1, 0, 0, 1)]
    [InlineData("steps is 0; expected a whole number, at least 1", "small", 1, 0, 1, 0)]
    public void BadOption_IsNamed(string message, string shape, int ranks, int stage, int threads, int steps) =>
        Assert.Equal(
            message,
            Assert.Throws<ConfigurationException>(
                () => TrainBenchmark.Configure(new TrainBenchmarkOptions(shape, ranks, stage, threads, steps), "text")).Message);

    [Fact]
    public async Task Result_CountsTheMedianStepAfterTheWarmup()
    {
        const long parameters = 10_000_000;
        string? text = null;
        var result = await TrainBenchmark.RunAsync(new TrainBenchmarkOptions("small", Ranks: 1, Steps: 4), Run, default);

        // Four counted steps of 1, 2, 4 and 8 seconds: the median is 3; 12 samples of 256 tokens.
        const double tokensPerSecond = 12 * 256 / 3.0;
        Assert.Equal(tokensPerSecond, result.TokensPerSecond, tokensPerSecond * 1e-15);
        var gflops = tokensPerSecond * 1e-9 * TrainingFlops.PerToken(parameters - 256 * 384, 6, 384, 256);
        Assert.Equal(gflops, result.Gflops, gflops * 1e-14);
        Assert.Equal(result.Gflops / result.FmaPeakGflops, result.FmaPeakShare);
        Assert.Equal(77, result.PeakBytes);
        Assert.True(result.FmaPeakGflops > 0);
        Assert.True(result.FirstStepSeconds > 0);
        Assert.False(File.Exists(text));

        Task<RunSummary> Run(RunConfiguration c, TrainingOptions options, ITrainingObserver observer, CancellationToken cancellation)
        {
            Assert.False(options.WriteFiles);
            text = c.Data.Train[0];
            using var data = TextDataset.OpenTraining(c, new ByteTokenizer());
            observer.OnStart(new RunStart(c, "", parameters, data.Tokens.Count, data.SampleCount, []));
            double[] seconds = [100, 100, 100, 8, 1, 4, 2];
            for (var step = 0; step < c.Steps; step++)
                observer.OnStep(new StepReport(new StepMetrics(step, 1, 1, 1, 1, 1, seconds[step]), c.Steps, [], TimeSpan.Zero));
            var bytes = new KindBytes(new long[7], 77);
            return Task.FromResult(new RunSummary
            {
                OutputDirectory = "",
                Files = [],
                StepsDone = c.Steps,
                Steps = c.Steps,
                Memory = [new RankMemory(0, bytes, bytes, 0)],
            });
        }
    }

    [Fact]
    public async Task CancelledRun_IsNoResult()
    {
        var summary = new RunSummary { OutputDirectory = "", Files = [], StepsDone = 0, Steps = 1, Cancelled = true };

        await Assert.ThrowsAsync<OperationCanceledException>(
            () => TrainBenchmark.RunAsync(new TrainBenchmarkOptions(), (_, _, _, _) => Task.FromResult(summary), default));
    }
}

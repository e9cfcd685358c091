namespace NetZero.Training.Tests.EndToEnd;

/// <summary>The optimizers of the configuration, whole runs long.</summary>
public sealed class OptimizerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    public OptimizerTests() => _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7} ")));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("{\"type\":\"AdamW\",\"params\":{\"state_dtype\":\"bf16\"}}")]
    [InlineData("{\"type\":\"AdamW\",\"params\":{\"state_dtype\":\"int8\",\"weight_decay\":0.1}}")]
    [InlineData("{\"type\":\"Adafactor\",\"params\":{\"relative_step\":false,\"lr\":0.05}}")]
    [InlineData("{\"type\":\"Adafactor\",\"params\":{\"relative_step\":false,\"lr\":1e-2,\"beta1\":0.9,\"state_dtype\":\"int8\",\"weight_decay\":0.1}}")]
    [InlineData("{\"type\":\"LAMB\",\"params\":{\"lr\":1e-2,\"weight_decay\":0.01,\"max_coeff\":5}}")]
    [InlineData("{\"type\":\"LARS\",\"params\":{\"lr\":1,\"trust_coefficient\":0.02,\"state_dtype\":\"bf16\"}}")]
    [InlineData("{\"type\":\"Lion\",\"params\":{\"lr\":1e-3}}")]
    [InlineData("{\"type\":\"Muon\",\"params\":{\"lr\":1e-3,\"weight_decay\":0.1,\"nesterov\":false}}")]
    [InlineData("{\"type\":\"SGD\",\"params\":{\"momentum\":0.9,\"state_dtype\":\"int8\"},\"groups\":[{\"pattern\":\"**.ln_*.*\",\"lr\":1e-3}]}")]
    public async Task AtEveryStage_ARunGivesTheSameBits(string optimizer)
    {
        var runs = new List<Run>();
        for (var stage = 0; stage <= 3; stage++)
        {
            var run = new Run(_folder, $"stage{stage}");
            await run.TrainAsync(_text, "ranks=3", $"zero_optimization.stage={stage}", "gradient_clipping=0.5", $"optimizer={optimizer}");
            runs.Add(run);
        }

        Assert.True(runs[0].Losses[^1] < runs[0].Losses[0]);
        Assert.All(runs, run => Assert.Equal(runs[0].Losses, run.Losses));
        Assert.All(runs, run => Assert.Equal(runs[0].ModelBytes, run.ModelBytes));
    }

    [Fact]
    public void AdafactorsRelativeStep_IsItsSchedule_UnlessItIsTurnedOff()
    {
        Assert.Equal(new Nn.RelativeStepSchedule(false), OptimizerParts.Schedule(Configurations.Parse("optimizer.type=Adafactor"), 10));
        Assert.Equal(new Nn.RelativeStepSchedule(true), OptimizerParts.Schedule(Configurations.Parse("optimizer.type=Adafactor", "optimizer.params.warmup_init=true"), 10));
        string[] own = ["optimizer.type=Adafactor", "optimizer.params.relative_step=false", "scheduler.type=WarmupLR", "scheduler.params.warmup_num_steps=3"];
        Assert.Equal(new Nn.WarmupSchedule(3), OptimizerParts.Schedule(Configurations.Parse(own), 10));
    }

    [Fact]
    public async Task AGroupThatFitsNothing_IsRefused_BeforeAnythingIsWritten()
    {
        var run = new Run(_folder, "run");
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => run.TrainAsync(_text, "optimizer.groups=[{\"pattern\":\"*.atn.**\"}]"));
        Assert.StartsWith("'optimizer.groups': the pattern '*.atn.**' fits no parameter", Assert.Single(error.Problems), StringComparison.Ordinal);
        Assert.Contains("'wte.weight'", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run.Folder));
    }

    [Theory]
    [InlineData("none", 1)]
    [InlineData("linear", 3)]
    [InlineData("sqrt", 1.7320508075688772)]
    public async Task LearningRate_FollowsTheBatchSize_IfAskedTo(string scaling, double factor)
    {
        var run = new Run(_folder, "run");
        string[] settings = scaling == "none" ? [] : [$"optimizer.params.lr_scaling={scaling}", "optimizer.params.base_batch_size=4"];
        await run.TrainAsync(_text, [.. settings, "optimizer.params.lr=0.001"]);
        Assert.All(run.Metrics, line => Assert.Equal(0.001 * factor, line.GetProperty("learning_rate").GetDouble(), 1e-15));
    }
}

using NetZero.Checkpoints;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>The bugs that another framework's first data-parallel release had, looked for in whole runs.</summary>
/// <remarks>
/// Five of them. A learning-rate schedule that nobody steps, gradients that are not synchronised without accumulation, a wrong split of the data over ranks, and a sum in the
/// place of a mean are looked for here; collectives that are never released in <c>LongRunTests</c> of the sharding room, whose thousands of steps leave nothing behind.
/// </remarks>
public sealed class FirstReleaseBugsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    public FirstReleaseBugsTests() => _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7} ")));

    public void Dispose() => _folder.Dispose();

    public static TheoryData<int, int, int> Worlds
    {
        get
        {
            var data = new TheoryData<int, int, int>();
            foreach (var (ranks, accumulation) in (ReadOnlySpan<(int, int)>)[(2, 1), (2, 3), (3, 1), (3, 2), (4, 1)])
                foreach (var stage in (int[])[0, 1, 2, 3])
                    data.Add(ranks, accumulation, stage);
            return data;
        }
    }

    // With plain SGD, because Adam takes the same step for N times the gradient. The same batch in the same steps, so one rank's weights are everybody's.
    [Theory]
    [MemberData(nameof(Worlds))]
    public async Task ManyRanks_TrainAsOneRankDoes_WithGradientsOfEveryRankAveraged(int ranks, int accumulation, int stage)
    {
        const double rate = 0.5;
        string[] settings = ["steps=4", $"optimizer={{\"type\": \"SGD\", \"params\": {{\"lr\": {rate}}}}}", "train_batch_size=12"];
        var (alone, many) = (new Run(_folder, "alone"), new Run(_folder, "many"));
        await alone.TrainAsync(_text, [.. settings, "ranks=1"]);
        await many.TrainAsync(_text, [.. settings, $"ranks={ranks}", $"gradient_accumulation_steps={accumulation}", $"zero_optimization.stage={stage}"]);

        // The mean over 156 targets is added up in another order: each gradient is off by at most 156 roundings of terms below 1, four steps of the rate add up.
        var bound = 4 * rate * 156 * Math.Pow(2, -24);
        Assert.Equal(alone.Losses, many.Losses, (a, b) => Math.Abs(a - b) < 8 * bound);
        var (expected, found) = (Weights(alone), Weights(many));
        Assert.Equal(expected.Keys, found.Keys);
        var moved = 0.0;
        var start = new Run(_folder, "start");
        await start.TrainAsync(_text, [.. settings, "ranks=1", "steps=1", "optimizer.params.lr=0"]);
        var before = Weights(start);
        foreach (var (name, values) in expected)
            for (var i = 0; i < values.Length; i++)
            {
                Assert.Equal(values[i], found[name][i], bound);
                moved = Math.Max(moved, Math.Abs(values[i] - before[name][i]));
            }

        Assert.True(moved > 100 * bound, $"weights moved by {moved}, which must be far more than the bound for the test to mean something");
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    public async Task Schedule_IsSteppedWithTheOptimizer_OnEveryRank(int ranks, int stage)
    {
        // Up in 2 steps and down to zero at the fourth, then nothing moves, on whichever rank a weight lies.
        string[] settings =
        [
            $"ranks={ranks}", $"zero_optimization.stage={stage}",
            "scheduler={\"type\": \"WarmupDecayLR\", \"params\": {\"warmup_num_steps\": 2, \"total_num_steps\": 4}}",
        ];
        var (shorter, longer) = (new Run(_folder, "shorter"), new Run(_folder, "longer"));
        await shorter.TrainAsync(_text, [.. settings, "steps=5"]);
        await longer.TrainAsync(_text, [.. settings, "steps=8"]);
        var rates = longer.Metrics.Select(line => line.GetProperty("learning_rate").GetDouble()).ToArray();
        Assert.True(rates[0] < rates[1], $"rates {string.Join(", ", rates)}");
        Assert.True(rates[2] > rates[3], $"rates {string.Join(", ", rates)}");
        Assert.All(rates[4..], rate => Assert.Equal(0, rate));
        Assert.Equal(shorter.ModelBytes, longer.ModelBytes);
        var moving = new Run(_folder, "moving");
        await moving.TrainAsync(_text, [.. settings, "steps=2"]);
        Assert.NotEqual(moving.ModelBytes, shorter.ModelBytes);
    }

    private static Dictionary<string, float[]> Weights(Run run)
    {
        using var file = SafetensorsFile.Open(Path.Combine(run.Folder, "model", "model.safetensors"));
        var weights = new Dictionary<string, float[]>();
        foreach (var tensor in file.Tensors)
        {
            var values = weights[tensor.Name] = new float[tensor.ElementCount];
            file.Read(tensor.Name, 0, values);
        }

        return weights;
    }
}

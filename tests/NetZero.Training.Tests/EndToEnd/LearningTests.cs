using NetZero.Nn;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>Runs learn, follow their schedule, and come to the same weights however they are sharded.</summary>
public sealed class LearningTests : IDisposable
{
    private const string Letters = "nets of zeros";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Periodic(int characters) => _folder.Write("periodic.txt", string.Concat(Enumerable.Repeat(Letters, (characters / Letters.Length) + 1))[..characters]);

    [Fact]
    public async Task Loss_FallsFarBelowTheEntropyOfSingleLetters()
    {
        var summary = await new Run(_folder, "run").TrainAsync(Periodic(13 * 13 * 4), "steps=60", "zero_optimization.stage=3", "gradient_clipping=1");

        // The text is whole periods, so the entropy is that of the period's letters.
        var entropy = Letters.CountBy(c => c).Sum(letter => -(letter.Value / (double)Letters.Length) * Math.Log(letter.Value / (double)Letters.Length));
        Assert.Equal(entropy, summary.UnigramEntropy!.Value, 1e-12);

        // Weights start small, so the first guess is nearly even over 256 bytes; at the end all but the letters that can be followed by several are known.
        Assert.InRange(summary.FirstLoss!.Value, Math.Log(256) - 0.2, Math.Log(256) + 0.2);
        Assert.InRange(summary.LastLoss!.Value, 0, entropy / 2);
    }

    [Theory]
    [InlineData("WarmupLR")]
    [InlineData("WarmupCosineLR")]
    public async Task LearningRate_IsTheSchedules_InEveryStep(string type)
    {
        string[] cosine = type == "WarmupCosineLR" ? ["scheduler.params.total_num_steps=7", "scheduler.params.cos_min_ratio=0.25"] : [];
        var run = new Run(_folder, "run");
        await run.TrainAsync(Periodic(500), ["steps=9", $"scheduler.type={type}", "scheduler.params.warmup_num_steps=3", .. cosine]);

        LearningRateSchedule schedule = type == "WarmupCosineLR" ? new WarmupCosineSchedule(3, 7, 0.25) : new WarmupSchedule(3);
        Assert.Equal(Enumerable.Range(0, 9).Select(step => schedule.At(step, 1e-2)), run.Metrics.Select(line => line.GetProperty("learning_rate").GetDouble()));
    }

    [Fact]
    public async Task LearningRateOfTheSchedule_IsTheOneThatMovesTheWeights()
    {
        // The text is one batch, and the rate is zero from step 4 on: what step 4 finds is what every later step finds, to the last bit. A schedule that is only
        // reported, and one that is a step late, would show.
        var run = new Run(_folder, "run");
        await run.TrainAsync(
            Periodic((12 * 13) + 1), "steps=8", "scheduler.type=WarmupCosineLR", "scheduler.params.total_num_steps=4", "scheduler.params.cos_min_ratio=0");

        var losses = run.Losses;
        Assert.Equal(5, losses.Distinct().Count());
        Assert.All(losses[4..], loss => Assert.Equal(losses[4], loss));
    }

    [Fact]
    public async Task Stages_WriteTheSameLossesAndTheSameModelBytes_WhereverTheyWrite()
    {
        var text = Periodic(1000);
        string[] settings = ["gradient_clipping=0.5", "model.dropout=0.1", "data.shuffle=true", "gradient_accumulation_steps=3", "optimizer.params.weight_decay=0.1"];
        var runs = new List<Run>();
        for (var stage = 0; stage <= 3; stage++)
        {
            runs.Add(new Run(_folder, $"{new string('x', 1 + (3 * stage))}/stage{stage}"));
            await runs[stage].TrainAsync(text, [.. settings, $"zero_optimization.stage={stage}"]);
        }

        Assert.All(runs, run => Assert.Equal(runs[0].Losses, run.Losses));
        Assert.All(runs, run => Assert.Equal(runs[0].ModelBytes, run.ModelBytes));
    }

    [Fact]
    public async Task Ranks_ShareTheGlobalBatch()
    {
        // The same 12 samples a step on 1, 2, 3 and 4 ranks, in one or several micro-batches. The first loss is before any update: means over rows of the same
        // values in another order, some 20 roundings of 2^-24 relative to a loss of 5.5. Samples dealt twice or left out, or a sum for a mean, change its second digit.
        var text = _folder.Write("text", string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} ")));
        var first = new List<double>();
        foreach (var (ranks, accumulation) in ((int, int)[])[(1, 1), (2, 1), (2, 3), (3, 2), (4, 1)])
        {
            var run = new Run(_folder, $"{ranks}x{accumulation}");
            await run.TrainAsync(text, $"ranks={ranks}", $"gradient_accumulation_steps={accumulation}", "zero_optimization.stage=3");
            first.Add(run.Losses[0]);
        }

        Assert.All(first, loss => Assert.Equal(first[0], loss, 20 * 5.5 * Math.Pow(2, -24)));
        Assert.Equal(Math.Log(256), first[0], 0.2);
    }

    [Fact]
    public async Task ValidationLoss_IsTheMeanOverEverySampleOnce_WhateverTheBatch()
    {
        // 7 samples of 13 bytes, and a remainder that makes none: no micro-batch on no number of ranks divides them. The parts differ much, so that a sample
        // left out or counted twice shows. A step of rate 1e-9 moves weights of size 0.02 by less than their last bit or two, so all runs evaluate the same model.
        var validation = _folder.Write("validation", "nets of zerosnets of zerosaaaaaaaaaaaaa0123456789012zzzzzzzzzzzzznets of zerosrosnets of z!rest");
        var found = new List<double>();
        foreach (var (ranks, batch) in ((int, int)[])[(1, 1), (1, 7), (1, 4), (2, 12), (2, 2), (3, 3), (4, 8)])
        {
            var run = new Run(_folder, $"{ranks}x{batch}");
            await run.TrainAsync(
                Periodic(1000), "optimizer.params.lr=1e-9", "steps=1", $"ranks={ranks}", $"train_batch_size={batch}", "zero_optimization.stage=3", $"data.validation={validation}",
                "eval_every=1");
            found.Add(run.Metrics[0].GetProperty("validation_loss").GetDouble());
        }

        // Means over rows in another order: some 20 roundings of 2^-24 relative to a loss of 5.5.
        Assert.All(found, loss => Assert.Equal(found[0], loss, 20 * 5.5 * Math.Pow(2, -24)));
    }
}

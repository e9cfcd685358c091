namespace NetZero.Training.Tests;

public class ConfigurationChecksTests
{
    [Theory]
    [InlineData("'model.n_embd' is 64, not divisible by 'model.n_head' 5; use 60 or 65", "model.n_head=5")]
    [InlineData("'model.n_embd' is 64, not divisible by 'model.n_head' 65; use 65", "model.n_head=65")]
    [InlineData("'data.seq_len' is 65, longer than 'model.n_positions' 64; lower the first or raise the second", "data.seq_len=65")]
    [InlineData("'model.vocab_size' is 255, but 'data.tokenizer' \"bytes\" makes 256 different tokens; use 256", "model.vocab_size=255")]
    [InlineData("'eval_every' is 5, but there is no 'data.validation' to evaluate; name one, or leave 'eval_every' out", "eval_every=5")]
    [InlineData("'data.validation' would have no effect: 'eval_every' is 0 (off); set it, or leave 'data.validation' out", "data.validation=x")]
    [InlineData("'optimizer.params.momentum' would have no effect: it belongs to optimizer.type SGD; remove it", "optimizer.params.momentum=0.9")]
    [InlineData("'optimizer.params.eps' would have no effect: it belongs to optimizer.type AdamW; remove it", "optimizer.params.eps=1e-8", "optimizer.type=SGD")]
    [InlineData("'scheduler.params.warmup_num_steps' would have no effect: it belongs to scheduler.type WarmupLR or WarmupCosineLR; remove it", "scheduler.params.warmup_num_steps=3")]
    [InlineData("'scheduler.params.cos_min_ratio' would have no effect: it belongs to scheduler.type WarmupCosineLR; remove it", "scheduler.params.cos_min_ratio=0", "scheduler.type=WarmupLR")]
    [InlineData("'scheduler.params.warmup_num_steps' is 30, more than 'scheduler.params.total_num_steps' 20; lower the first or raise the second", "scheduler.type=WarmupCosineLR", "scheduler.params.warmup_num_steps=30", "scheduler.params.total_num_steps=20")]
    public void Contradiction_IsRefusedWithTheFix(string problem, params string[] overrides) =>
        Assert.Equal("the configuration: " + problem, Configurations.Problem(overrides));

    [Fact]
    public void EmptyConfiguration_NamesWhatIsRequired() =>
        Assert.Equal(
            [
                "the configuration: no batch size: give 'train_batch_size' or 'train_micro_batch_size_per_gpu', or any two of these and "
                + "'gradient_accumulation_steps'",
                "the configuration: 'data.train' is missing: name a file, a folder or a glob pattern, for example --set data.train=PATH",
                "the configuration: 'steps' is missing: say how many optimizer steps to train, for example --set steps=100",
            ],
            Assert.Throws<ConfigurationException>(() => RunConfiguration.Parse("{}")).Problems);

    [Fact]
    public void RunThatEndsWithinTheWarmup_IsNoMistake() =>
        Assert.Equal(30, Configurations.Parse("scheduler.type=WarmupCosineLR", "scheduler.params.warmup_num_steps=30", "steps=5").Scheduler.TotalSteps);

    [Fact]
    public void MicroBatchOfMoreTokensThanAnArrayHolds_IsRefused() =>
        Assert.Equal(
            "the configuration: a micro-batch has 4294967296 tokens ('train_micro_batch_size_per_gpu' 65536 x 'data.seq_len' 65536), more than 2147483591; "
            + "raise 'gradient_accumulation_steps' or lower either",
            Configurations.Problem("train_batch_size=65536", "model.n_positions=65536"));
}

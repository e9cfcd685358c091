namespace NetZero.Training.Tests;

public class OverrideTests
{
    [Fact]
    public void LaterOverride_Wins() => Assert.Equal(7, Configurations.Parse("steps=5", "steps=7").Steps);

    [Fact]
    public void Override_ReachesNestedKeys()
    {
        var c = Configurations.Parse("zero_optimization.stage=3", "optimizer.params.betas=[0.8,0.9]", "model.dropout=0.5", "data.shuffle=true");

        Assert.Equal(3, c.Zero.Stage);
        Assert.Equal((0.8, 0.9), c.Optimizer.Betas);
        Assert.Equal(0.5, c.Model.Dropout);
        Assert.True(c.Data.Shuffle);
    }

    [Fact]
    public void Override_OfASection_KeepsItsOtherKeys()
    {
        var c = Configurations.Parse("model={\"n_layer\": 5}");

        Assert.Equal((5, 64), (c.Model.Layers, c.Model.Embedding));
    }

    [Theory]
    [InlineData("data.train=a b.txt", "a b.txt")]
    [InlineData("data.train=\"a.txt\"", "a.txt")]
    [InlineData("data.train=12", "12")]
    [InlineData("data.train=true", "true")]
    [InlineData("data.train=a=b", "a=b")]
    [InlineData("data.train=C:\\dir\\*.txt", "C:\\dir\\*.txt")]
    public void Text_NeedsNoQuotes(string setting, string expected) => Assert.Equal([expected], Configurations.Parse(setting).Data.Train);

    // What is JSON's list or object is no name of a file.
    [Theory]
    [InlineData("data.train=[]", "'data.train' is the list []; expected text or a list of texts, none empty or with \\u0000")]
    [InlineData("optimizer={\"type\": \"Muon\", \"params\": {\"adamw_params\": []}}", "'optimizer.params.adamw_params' is the list []; expected text or a list of texts")]
    [InlineData("output_dir={}", "'output_dir' is an object; expected text, not empty and without \\u0000")]
    [InlineData("optimizer.type=[\"Muon\"]", "'optimizer.type' is the list [\"Muon\"]; expected one of ")]
    public void ListOrObject_WhereTextIsExpected_IsRefusedAsInAFile(string setting, string problem) =>
        Assert.Contains(problem, Assert.Single(Assert.Throws<ConfigurationException>(() => Configurations.Parse(setting)).Problems), StringComparison.Ordinal);

    [Fact]
    public void List_IsJson() => Assert.Equal(["a", "b"], Configurations.Parse("data.train=[\"a\",\"b\"]").Data.Train);

    [Fact]
    public void Suffix_NeedsNoQuotes() => Assert.Equal(512_000_000, Configurations.Parse("memory_budget=512MB").MemoryBudgetBytes);

    [Fact]
    public void Choice_IsTheSameInAnyCase() => Assert.Equal(OptimizerKind.AdamW, Configurations.Parse("optimizer.type=adamw").Optimizer.Type);

    [Theory]
    [InlineData("optimzer.params.lr", "optimizer.params.lr")]
    [InlineData("optimizer.parms.lr", "optimizer.params.lr")]
    [InlineData("optimizer.parms.betas", "optimizer.params.betas")]
    [InlineData("optimzer.parms.wieght_decay", "optimizer.params.weight_decay")]
    [InlineData("optimizer.learning_rate", "optimizer.params.lr")]
    [InlineData("learning_rate", "optimizer.params.lr")]
    [InlineData("wd", "optimizer.params.weight_decay")]
    [InlineData("optimzer.lr", "optimizer.params.lr")]
    [InlineData("optim.params.lr", "optimizer.params.lr")]
    [InlineData("params.lr", "optimizer.params.lr")]
    [InlineData("optimizer.params.lr_rate", "optimizer.params.lr")]
    [InlineData("optimizer.params.beta", "optimizer.params.betas")]
    [InlineData("optimzer", "optimizer")]
    [InlineData("zero.stage", "zero_optimization.stage")]
    [InlineData("zero_optimisation.stage", "zero_optimization.stage")]
    [InlineData("zero_optimization.prefetch.fwd", "zero_optimization.prefetch.forward")]
    [InlineData("modl.n_embd", "model.n_embd")]
    [InlineData("model.nembd", "model.n_embd")]
    [InlineData("n_embd", "model.n_embd")]
    [InlineData("model.seq_len", "data.seq_len")]
    [InlineData("dat.train", "data.train")]
    [InlineData("data.trian", "data.train")]
    [InlineData("train.batch_size", "train_batch_size")]
    [InlineData("micro_batch_size", "train_micro_batch_size_per_gpu")]
    [InlineData("schedular.params.warmup_num_step", "scheduler.params.warmup_num_steps")]
    [InlineData("scheduler.warmup_steps", "scheduler.params.warmup_num_steps")]
    [InlineData("bf16.enable", "bf16.enabled")]
    [InlineData("fp_16.enabled", "fp16.enabled")]
    [InlineData("gradient_cliping", "gradient_clipping")]
    [InlineData("checkpoints.every_steps", "checkpoint.every_steps")]
    [InlineData("checkpoint.every_step", "checkpoint.every_steps")]
    [InlineData("gradient_accumulation", "gradient_accumulation_steps")]
    [InlineData("output", "output_dir")]
    [InlineData("threads", "threads_per_rank")]
    public void UnknownKey_NamesTheOneThatWasMeant(string given, string meant) =>
        Assert.Equal($"the configuration: unknown key '{given}'; the nearest known key is '{meant}'", Configurations.Problem($"{given}=1"));

    [Theory]
    [InlineData("stage=3", "unknown key 'stage'; the nearest known key is 'zero_optimization.stage'")]
    [InlineData("model.n_layer.x=3", "'model.n_layer' holds a value, not keys; there is no 'model.n_layer.x'")]
    [InlineData("model.heads=3", "unknown key 'model.heads'; the nearest known key is 'model.n_head'")]
    [InlineData("steps", "--set 'steps': expected KEY.PATH=VALUE, for example --set zero_optimization.stage=3")]
    [InlineData("=3", "--set '=3': expected KEY.PATH=VALUE, for example --set zero_optimization.stage=3")]
    [InlineData("steps=many", "'steps' is the text \"many\"; expected a whole number, at least 1")]
    [InlineData("steps=", "'steps' is the text \"\"; expected a whole number, at least 1")]
    public void Mistake_IsNamed(string setting, string message) =>
        Assert.Equal("the configuration: " + message, Configurations.Problem(setting));
}

using System.Text;
using NetZero.Sharding;

namespace NetZero.Training.Tests;

public class ConfigurationReaderTests
{
    private const string EveryKey = """
        // a comment
        {
          "$schema": "netzero.schema.json",
          "model": {
            "type": "gpt2", "n_layer": 3, "n_head": 2, "n_embd": 32, "n_positions": 48, "vocab_size": 300,
            "layer_norm_epsilon": 1e-6, "dropout": 0.1, /* another */
          },
          "data": { "train": ["a", "b"], "validation": "c", "tokenizer": "bytes", "seq_len": 40, "shuffle": true },
          "train_batch_size": 96, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 3,
          "optimizer": {
            "type": "AdamW",
            "params": { "lr": 0.0003, "betas": [0.9, 0.95], "eps": 1e-9, "weight_decay": 0.1, "weight_decay_all": true },
          },
          "scheduler": { "type": "WarmupCosineLR", "params": { "warmup_num_steps": 5, "total_num_steps": 90, "cos_min_ratio": 0.1 } },
          "gradient_clipping": 1.0, "gradient_clipping_norm": "inf",
          "zero_optimization": {
            "stage": 3, "reduce": "last", "keep_gathered": true, "reshard_after_forward": 2, "prefetch": { "forward": 2, "backward": 0 }, "reduce_bucket_size": 1000,
            "shard_group_size": 4, "units": ["h.*"], "min_num_params": 5, "ignored": ["**.bias"],
            "overrides": { "h.0": { "stage": "zero2" }, "root": { "reshard_after_forward": true } },
          },
          "frozen": ["wte.*", "h.0.**"],
          "activation_checkpointing": { "mode": "selective", "every": 2, "keep": ["attention"] },
          "memory_budget": "2GiB",
          "steps": 100, "seed": 7, "ranks": 8, "threads_per_rank": 4, "output_dir": "out", "log_every": 10, "eval_every": 50,
        }
        """;

    [Fact]
    public void EveryKey_IsTakenOver()
    {
        var c = RunConfiguration.Parse(EveryKey);

        Assert.Equal(
            new ModelConfiguration
            {
                Layers = 3,
                Heads = 2,
                Embedding = 32,
                Positions = 48,
                VocabularySize = 300,
                LayerNormEpsilon = 1e-6,
                Dropout = 0.1,
            },
            c.Model);
        Assert.Equal(["a", "b"], c.Data.Train);
        Assert.Equal(["c"], c.Data.Validation);
        Assert.Equal((40, true), (c.Data.SequenceLength, c.Data.Shuffle));
        Assert.Equal((96, 4, 3), (c.TrainBatchSize, c.MicroBatchSize, c.AccumulationSteps));
        Assert.Equal(
            new OptimizerConfiguration { LearningRate = 0.0003, Betas = (0.9, 0.95), Epsilon = new Epsilons(1e-9, null), WeightDecay = 0.1, WeightDecayAll = true, Momentum = 0 },
            c.Optimizer);
        Assert.Equal(
            new SchedulerConfiguration { Type = SchedulerKind.WarmupCosineLR, WarmupSteps = 5, TotalSteps = 90, CosineMinimumRatio = 0.1 },
            c.Scheduler);
        Assert.Equal((1.0, NormKind.Infinity, 0.0), (c.GradientClipping, c.GradientClippingNorm, c.GradientClippingValue));
        Assert.Equal(["wte.*", "h.0.**"], c.Frozen);
        Assert.Equal(new CheckpointingConfiguration { Mode = CheckpointingMode.Selective, Every = 2, Keep = Tensors.KeptOps.Attention }, c.Checkpointing);
        Assert.Equal((3, GradientReduction.LastMicroBatch, true, ReshardAfterForward.Within(2)), (c.Zero.Stage, c.Zero.Reduce, c.Zero.KeepGathered, c.Zero.ReshardAfterForward));
        Assert.Equal((new PrefetchDepth(2, 0), 1000L, 4, 5L), (c.Zero.Prefetch, c.Zero.ReduceBucketSize, c.Zero.ShardGroupSize, c.Zero.MinimumParameters));
        Assert.Equal(["h.*"], c.Zero.Units);
        Assert.Equal(["**.bias"], c.Zero.Ignored);
        Assert.Equal(
            [new UnitOverride("h.0") { Stage = 2 }, new UnitOverride("root") { ReshardAfterForward = ReshardAfterForward.Yes }], c.Zero.Overrides);
        Assert.Equal(2L << 30, c.MemoryBudgetBytes);
        Assert.Equal((100, 7L, 8, 4, "out", 10, 50), (c.Steps, c.Seed, c.Ranks, c.ThreadsPerRank, c.OutputDirectory, c.LogEvery, c.EvalEvery));
        Assert.Equal(96 * 40, c.TokensPerStep);
    }

    [Theory]
    [InlineData("{ \"output_dir\": \"caf\u00e9\" }")]
    [InlineData("{ \"caf\u00e9\": 1 }")]
    [InlineData("{ \"steps\": \"caf\u00e9\" }")]
    [InlineData("{ \"output_dir\": \"a\\ud800\" }")]
    [InlineData("{ \"data\": { \"train\": [\"a\\ud800\"] } }")]
    [InlineData("{ \"a\\ud800\": 1 }")]
    [InlineData("{ \"optimizer\": { \"type\": \"\\udc00\" } }")]
    public void FileThatIsNotUnicode_IsOneProblem_ThatNamesIt(string latin1)
    {
        using var folder = new TemporaryFolder();
        var path = folder.At("run.json");
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(latin1));

        Assert.StartsWith(
            $"{path}: holds a string that is not valid Unicode; save the file as UTF-8",
            Assert.Single(Assert.Throws<ConfigurationException>(() => RunConfiguration.Load(path)).Problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data.train=\"a\\ud800\"")]
    [InlineData("model={\"a\\ud800\": 1}")]
    [InlineData("zero_optimization.units=[\"\\udc00\"]")]
    public void OverrideThatIsNotUnicode_IsOneProblem_ThatNamesIt(string setting) =>
        Assert.Equal($"the configuration: --set '{setting}': holds a string that is not valid Unicode", Configurations.Problem(setting));

    [Fact]
    public void OverrideWithHalfASurrogatePair_IsOneProblem() =>
        Assert.Contains("is not valid Unicode", Configurations.Problem("data.train=a" + (char)0xD800), StringComparison.Ordinal);

    [Fact]
    public void WrittenConfiguration_ReadsBackToTheSameBytes()
    {
        var written = RunConfiguration.Parse(EveryKey).ToJson();

        Assert.Equal(written, RunConfiguration.Parse(Encoding.UTF8.GetString(written)).ToJson());
    }

    [Theory]
    [InlineData("optimizer.type=SGD", "optimizer.params.momentum=0.9")]
    [InlineData("optimizer.type=Adafactor", "optimizer.params.eps=[1e-20,0.01]", "optimizer.params.beta1=0.9", "optimizer.params.warmup_init=true")]
    [InlineData("gradient_clipping_value=0.5")]
    [InlineData("gradient_clipping=0.5", "gradient_clipping_norm=1")]
    [InlineData("activation_checkpointing.mode=full")]
    [InlineData("activation_checkpointing={\"mode\": \"selective\", \"keep\": \"matmul\"}")]
    [InlineData("scheduler.type=WarmupLR", "scheduler.params.warmup_num_steps=3")]
    [InlineData("optimizer.params.lr=0.1", "data.train=\"ü \\\" quoted\"")]
    public void WrittenConfiguration_HoldsNoKeyThatWouldBeRefused(params string[] overrides)
    {
        var written = Configurations.Parse(overrides).ToJson();

        Assert.Equal(written, RunConfiguration.Parse(Encoding.UTF8.GetString(written)).ToJson());
    }

    [Fact]
    public void Defaults_AreOff()
    {
        var c = Configurations.Parse();

        Assert.Equal(0, c.GradientClipping);
        Assert.Equal(0, c.MemoryBudgetBytes);
        Assert.Equal(0, c.EvalEvery);
        Assert.Equal(new ZeroConfiguration { Stage = 0, Reduce = GradientReduction.EachMicroBatch }, c.Zero);
        Assert.Equal((0, 0, 0), (c.Optimizer.WeightDecay, c.Optimizer.Momentum, c.Model.Dropout));
        Assert.Equal(SchedulerKind.Constant, c.Scheduler.Type);
        Assert.False(c.Data.Shuffle);
        Assert.Equal(1, c.Ranks);
    }

    [Fact]
    public void WhatFollowsFromOtherKeys_IsFilledIn()
    {
        var c = Configurations.Parse("ranks=2");

        Assert.Equal(64, c.Data.SequenceLength);
        Assert.Equal(20, c.Scheduler.TotalSteps);
        Assert.Equal(Math.Max(1, Environment.ProcessorCount / 2), c.ThreadsPerRank);
    }

    [Theory]
    [InlineData("""{ "model": { "n_layers": 2 } }""", "unknown key 'model.n_layers'; the nearest known key is 'model.n_layer'")]
    [InlineData("""{ "zero_optimisation": {} }""", "unknown key 'zero_optimisation'; the nearest known key is 'zero_optimization'")]
    [InlineData("""{ "lr": 1 }""", "unknown key 'lr'; the nearest known key is 'optimizer.params.lr'")]
    [InlineData("""{ "batch_size": 1 }""", "unknown key 'batch_size'; the nearest known key is 'train_batch_size'")]
    [InlineData("""{ "optimizer": { "lr": 1 } }""", "unknown key 'optimizer.lr'; the nearest known key is 'optimizer.params.lr'")]
    [InlineData("""{ "zero_optimization": { "stgae": 1 } }""", "unknown key 'zero_optimization.stgae'; the nearest known key is 'zero_optimization.stage'")]
    [InlineData("""{ "model": { "n_layer": "six" } }""", "'model.n_layer' is the text \"six\"; expected a whole number from 1 to 10000")]
    [InlineData("""{ "model": { "n_layer": 1.5 } }""", "'model.n_layer' is the number 1.5; expected a whole number from 1 to 10000")]
    [InlineData("""{ "model": { "n_layer": 0 } }""", "'model.n_layer' is the number 0; expected a whole number from 1 to 10000")]
    [InlineData("""{ "model": { "n_layer": null } }""", "'model.n_layer' is null; expected a whole number from 1 to 10000")]
    [InlineData("""{ "model": { "n_layer": 3000000000 } }""", "'model.n_layer' is the number 3000000000; expected a whole number from 1 to 10000")]
    [InlineData("""{ "model": 3 }""", "'model' is the number 3; expected an object")]
    [InlineData("""{ "model": { "type": "bert" } }""", "'model.type' is the text \"bert\"; expected \"gpt2\"")]
    [InlineData("""{ "model": { "dropout": 1 } }""", "'model.dropout' is the number 1; expected a number from 0 to below 1")]
    [InlineData("""{ "model": { "layer_norm_epsilon": 0 } }""", "'model.layer_norm_epsilon' is the number 0; expected a number above 0 and below 1")]
    [InlineData("""{ "model": { "layer_norm_epsilon": 1 } }""", "'model.layer_norm_epsilon' is the number 1; expected a number above 0 and below 1")]
    [InlineData("""{ "data": { "train": [] } }""", "'data.train' is the list []; expected text or a list of texts, none empty or with \\u0000")]
    [InlineData("""{ "data": { "train": "" } }""", "'data.train' is the text \"\"; expected text or a list of texts, none empty or with \\u0000")]
    [InlineData("""{ "data": { "shuffle": "yes" } }""", "'data.shuffle' is the text \"yes\"; expected true or false")]
    [InlineData("""{ "optimizer": { "params": { "betas": [0.9] } } }""", "'optimizer.params.betas' is the list [0.9]; expected a list of two numbers from 0 to below 1")]
    [InlineData("""{ "optimizer": { "params": { "lr": -1 } } }""", "'optimizer.params.lr' is the number -1; expected a number, at least 0")]
    [InlineData("""{ "optimizer": { "type": "Adam" } }""", "'optimizer.type' is the text \"Adam\"; expected one of \"AdamW\", \"SGD\", \"Lion\", \"LAMB\", \"LARS\", \"Muon\", \"Adafactor\"")]
    [InlineData("""{ "zero_optimization": { "stage": 4 } }""", "'zero_optimization.stage' is the number 4; expected a whole number from 0 to 3, or one of \"ddp\", \"zero1\", \"zero2\", \"zero3\", \"fsdp\"")]
    [InlineData("""{ "memory_budget": "2 apples" }""", "'memory_budget' is the text \"2 apples\"; expected bytes as a whole number or as text such as \"512MB\" or \"2GiB\" (units B, KB, MB, GB, TB, KiB, MiB, GiB, TiB)")]
    [InlineData("""{ "data": { "train": ["a", "b\u0000"] } }""", "'data.train' is the list [\"a\", \"b\\u0000\"]; expected text or a list of texts, none empty or with \\u0000")]
    [InlineData("""{ "init_from": "a\u0000b" }""", "'init_from' is the text \"a\\u0000b\"; expected text, not empty and without \\u0000")]
    [InlineData("""{ "init_from": {} }""", "'init_from' is an object; expected text, not empty and without \\u0000")]
    public void Mistake_IsOneLineThatNamesKeyFoundAndExpected(string json, string message)
    {
        var error = Assert.Throws<ConfigurationException>(() => RunConfiguration.Parse(json));

        Assert.Equal("the configuration: " + message, error.Message);
    }

    [Theory]
    [InlineData("{ \"steps\": 1, \n \"steps\" 2 }", "the configuration, line 2, byte 10: not valid JSON: ")]
    [InlineData("", "the configuration, line 1, byte 1: not valid JSON: ")]
    [InlineData("{ \"steps\": 1, \"steps\": 2 }", "the configuration: not valid JSON: Duplicate property 'steps' encountered")]
    [InlineData("[]", "the configuration: found Array at the top, expected an object")]
    public void DamagedFile_IsOneLine(string json, string start)
    {
        var error = Assert.Throws<ConfigurationException>(() => RunConfiguration.Parse(json));

        Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void SeveralMistakes_AreReportedTogether()
    {
        var error = Assert.Throws<ConfigurationException>(() => Configurations.Parse("steps=x", "model.n_head=true"));

        Assert.Equal(2, error.Problems.Count);
        Assert.Equal(1, error.Message.Count(c => c == '\n'));
    }

    [Fact]
    public void MissingFile_NamesPathGivenAndResolved()
    {
        var error = Assert.Throws<ConfigurationException>(() => RunConfiguration.Load("no/such.json"));

        Assert.Equal($"configuration 'no/such.json' not found (looked for {Path.GetFullPath("no/such.json")})", error.Message);
    }

    [Fact]
    public void ByteOrderMark_IsPassedOver() => Assert.Equal(20, RunConfiguration.Parse("\uFEFF" + Configurations.Tiny).Steps);
}

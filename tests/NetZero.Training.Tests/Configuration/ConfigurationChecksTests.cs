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
    [InlineData("'optimizer.params.weight_decay_all' would have no effect: it belongs to optimizer.params.weight_decay above 0; remove it", "optimizer.params.weight_decay_all=true")]
    [InlineData("'ema.decay' 0.9 would have no effect: the average is neither evaluated nor saved; set 'ema.save', or leave 'ema' out", "ema.decay=0.9", "ema.save=false")]
    [InlineData("'optimizer.params.momentum' would have no effect: it belongs to optimizer.type SGD, LARS or Muon; remove it", "optimizer.params.momentum=0.9")]
    [InlineData("'optimizer.params.eps' would have no effect: it belongs to optimizer.type AdamW, LAMB, Muon or Adafactor; remove it", "optimizer.params.eps=1e-8", "optimizer.type=SGD")]
    [InlineData("'optimizer.params.state_dtype' would have no effect: it belongs to an optimizer that keeps moments of elements, any but SGD without momentum and Adafactor without beta1; remove it", "optimizer.params.state_dtype=bf16", "optimizer.type=SGD")]
    [InlineData("'optimizer.params.ns_steps' would have no effect: it belongs to optimizer.type Muon; remove it", "optimizer.params.ns_steps=3")]
    [InlineData("'optimizer.params.base_batch_size' would have no effect: it belongs to optimizer.params.lr_scaling linear or sqrt; remove it", "optimizer.params.base_batch_size=8")]
    [InlineData("'optimizer.params.base_batch_size' is missing: 'optimizer.params.lr_scaling' needs the batch size that 'optimizer.params.lr' was found for", "optimizer.params.lr_scaling=sqrt")]
    [InlineData("'optimizer.type' is the text \"Adan\"; expected one of \"AdamW\", \"SGD\", \"Lion\", \"LAMB\", \"LARS\", \"Muon\", \"Adafactor\"", "optimizer.type=Adan")]
    [InlineData("'optimizer.params.state_dtype' would have no effect: it belongs to an optimizer that keeps moments of elements, any but SGD without momentum and Adafactor without beta1; remove it", "optimizer.params.state_dtype=bf16", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.params.lr' would have no effect: it belongs to optimizers but Adafactor with optimizer.params.relative_step, which sets the rate itself (set it to false to give one); remove it", "optimizer.params.lr=1e-3", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.params.relative_step' would have no effect: it belongs to optimizer.type Adafactor; remove it", "optimizer.params.relative_step=false")]
    [InlineData("'optimizer.params.warmup_init' would have no effect: it belongs to optimizer.type Adafactor with optimizer.params.relative_step; remove it", "optimizer.params.warmup_init=true", "optimizer.params.relative_step=false", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.params.clip_threshold' is the number 0; expected a number above 0", "optimizer.params.clip_threshold=0", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.params.decay_rate' is the number 0.8; expected a number from -1 to 0", "optimizer.params.decay_rate=0.8", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.params.betas' would have no effect: it belongs to optimizer.type AdamW, Lion, LAMB or Muon; remove it", "optimizer.params.betas=[0.9,0.999]", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.params.eps' is one number, but Adafactor takes a list of two, such as [1e-30, 1e-3]", "optimizer.params.eps=1e-8", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.params.eps' is a list of two numbers, which Adafactor takes; AdamW takes one, such as 1e-8", "optimizer.params.eps=[1e-30,1e-3]")]
    [InlineData("'optimizer.params.eps' begins with 0, but Adafactor needs at least 1.2E-38 there: a gradient of zero has a second moment to be divided by", "optimizer.params.eps=[0,1e-3]", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.groups' has an 'lr', which would have no effect: Adafactor's 'optimizer.params.relative_step' sets the rate itself; set it to false, or leave 'lr' out", "optimizer.groups=[{\"pattern\":\"wte.*\",\"lr\":1}]", "optimizer.type=Adafactor")]
    [InlineData("'scheduler.type' \"WarmupLR\" would have no effect: Adafactor's 'optimizer.params.relative_step' sets the rate itself; set it to false, or leave 'scheduler' out", "scheduler.type=WarmupLR", "optimizer.type=Adafactor")]
    [InlineData("'optimizer.groups' is an object; expected a list of objects", "optimizer.groups={}")]
    [InlineData("unknown key 'optimizer.groups[1].wieght_decay'; the nearest known key is 'optimizer.groups.weight_decay'", "optimizer.groups=[{\"pattern\":\"a\"},{\"pattern\":\"b\",\"wieght_decay\":1}]")]
    [InlineData("'optimizer.groups[0].lr' is the number -1; expected a number, at least 0", "optimizer.groups=[{\"pattern\":\"a\",\"lr\":-1}]")]
    [InlineData("'optimizer.groups' has a group without 'pattern'; name the parameters it is for, such as \"h.*.attn.**\"", "optimizer.groups=[{\"lr\":1}]")]
    [InlineData("'optimizer.groups' holds a list; give the whole of it, such as --set 'optimizer.groups=[...]'", "optimizer.groups.lr=1")]
    [InlineData("'optimizer.params.lr' is 0, but a group has an 'lr' of its own, which follows it through the schedule; give both", "optimizer.params.lr=0", "optimizer.groups=[{\"pattern\":\"a\",\"lr\":1}]")]
    [InlineData("'scheduler.params.step_size' is missing: say after how many steps StepLR lowers the learning rate", "scheduler.type=StepLR")]
    [InlineData("'scheduler.params.gamma' would have no effect: it belongs to scheduler.type StepLR; remove it", "scheduler.params.gamma=0.5")]
    [InlineData("'scheduler.params.decay_num_steps' is missing: say in how many last steps WarmupStableDecayLR lowers the learning rate", "scheduler.type=WarmupStableDecayLR")]
    [InlineData("'scheduler.params.warmup_num_steps' 11 and 'scheduler.params.decay_num_steps' 10 are together more than 'scheduler.params.total_num_steps' 20; lower either or raise the last", "scheduler.type=WarmupStableDecayLR", "scheduler.params.warmup_num_steps=11", "scheduler.params.decay_num_steps=10")]
    [InlineData("'scheduler.params.warmup_num_steps' would have no effect: it belongs to scheduler.type WarmupLR, WarmupDecayLR, WarmupCosineLR, InverseSqrtLR or WarmupStableDecayLR; remove it", "scheduler.params.warmup_num_steps=3")]
    [InlineData("'scheduler.params.cos_min_ratio' would have no effect: it belongs to scheduler.type WarmupCosineLR; remove it", "scheduler.params.cos_min_ratio=0", "scheduler.type=WarmupLR")]
    [InlineData("'scheduler.params.warmup_num_steps' is 30, more than 'scheduler.params.total_num_steps' 20; lower the first or raise the second", "scheduler.type=WarmupCosineLR", "scheduler.params.warmup_num_steps=30", "scheduler.params.total_num_steps=20")]
    [InlineData("'gradient_clipping' is 1 and 'gradient_clipping_value' is 2: clip by norm or by value, and leave the other out", "gradient_clipping=1", "gradient_clipping_value=2")]
    [InlineData("'gradient_clipping_norm' would have no effect: it belongs to gradient_clipping above 0; remove it", "gradient_clipping_norm=1")]
    [InlineData("'gradient_clipping_norm' is the text \"3\"; expected 1, 2 or \"inf\"", "gradient_clipping=1", "gradient_clipping_norm=3")]
    [InlineData("'ema.save' would have no effect: it belongs to ema.decay above 0; remove it", "ema.save=false")]
    [InlineData("'ema.decay' is the number 1; expected a number from 0 to below 1", "ema.decay=1")]
    [InlineData("'frozen': All parameters are frozen: there is nothing to train; leave some out.", "frozen=**")]
    [InlineData("'frozen': The freezing pattern 'x.*' matches no parameter of the model; parameters are named 'wte.weight', 'wpe.weight', 'h.0.ln_1.weight', 'h.0.ln_1.bias', 'h.0.attn.c_attn.weight', 'h.0.attn.c_attn.bias' and 22 more.", "frozen=[\"x.*\"]")]
    [InlineData("'activation_checkpointing.every' would have no effect: it belongs to activation_checkpointing.mode full or selective; remove it", "activation_checkpointing.every=2")]
    [InlineData("'activation_checkpointing.keep' would have no effect: it belongs to activation_checkpointing.mode selective; remove it", "activation_checkpointing.mode=full", "activation_checkpointing.keep=matmul")]
    [InlineData("'activation_checkpointing.keep' is the list [\"gelu\"]; expected one of \"attention\", \"matmul\", or a list of them", "activation_checkpointing={\"mode\": \"selective\", \"keep\": [\"gelu\"]}")]
    [InlineData("'activation_checkpointing': Activation checkpointing of every 3 blocks would have no effect: the model has 2 blocks; declare some with AddUnit, or leave it out.", "activation_checkpointing.mode=full", "activation_checkpointing.every=3")]
    public void Contradiction_IsRefusedWithTheFix(string problem, params string[] overrides) =>
        Assert.Equal("the configuration: " + problem, Configurations.Problem(overrides));

    [Theory]
    [InlineData("'zero_optimization.stage' is the number 4; expected a whole number from 0 to 3, or one of \"ddp\", \"zero1\", \"zero2\", \"zero3\", \"fsdp\"", "stage=4")]
    [InlineData("'zero_optimization.reshard_after_forward' is the number 1; expected true, false or a number of ranks, at least 2", "reshard_after_forward=1")]
    [InlineData("'zero_optimization.reshard_after_forward' would have no effect: it belongs to zero_optimization.stage 3; remove it", "stage=2", "reshard_after_forward=false")]
    [InlineData("'zero_optimization.keep_gathered' would have no effect: it belongs to zero_optimization.stage 3; remove it", "keep_gathered=true")]
    [InlineData("'zero_optimization.keep_gathered' would have no effect: a step has one micro-batch; raise 'gradient_accumulation_steps', or leave it out", "stage=3", "keep_gathered=true")]
    [InlineData("'zero_optimization.reduce' \"last\" would have no effect: a step has one micro-batch; raise 'gradient_accumulation_steps', or leave it out", "reduce=last")]
    [InlineData("'zero_optimization.prefetch.forward' would have no effect: it belongs to zero_optimization.stage 3; remove it", "prefetch.forward=2")]
    [InlineData("'zero_optimization.reduce_bucket_size' would have no effect: at stage 3 each unit is reduced and let go by itself; leave it out", "stage=3", "reduce_bucket_size=9")]
    [InlineData("'zero_optimization.shard_group_size' is 3, which does not divide the 4 ranks; use a divisor, or 0 for all of them", "stage=3", "shard_group_size=3")]
    [InlineData("'zero_optimization.shard_group_size' is 1: a group of one rank shares nothing; use stage 0 for replicas alone", "stage=3", "shard_group_size=1")]
    [InlineData("'zero_optimization.shard_group_size' would have no effect: at stage 0 nothing is sharded; leave it out", "shard_group_size=2")]
    [InlineData("'zero_optimization.shard_group_size' is 4, which is all ranks, as without it; leave it out", "stage=3", "shard_group_size=4")]
    [InlineData("'zero_optimization.ignored' would have no effect: at stage 0 nothing is sharded; leave it out", "ignored=**.bias")]
    [InlineData("'zero_optimization': The override of 'h.0' to stage 2 would have no effect: what it matches, such as 'h.0', is at stage 2 without it; leave it out.", "stage=2", "overrides={\"h.0\": {\"stage\": 2}}")]
    [InlineData("'zero_optimization.reshard_after_forward' is 4: the small group must be a proper divisor of the 4 ranks that parameters are sharded over; use one, true to let parameters go, or false to keep them", "stage=3", "reshard_after_forward=4")]
    [InlineData("'zero_optimization': The unit pattern 'blocks.*' matches no module of the model; modules are named 'wte', 'wpe', 'h.0', 'h.0.ln_1', 'h.0.attn', 'h.0.attn.c_attn' and 15 more.", "stage=3", "units=blocks.*")]
    [InlineData("'zero_optimization': The ignored pattern '*.b' matches no parameter of the model; parameters are named 'wte.weight', 'wpe.weight', 'h.0.ln_1.weight', 'h.0.ln_1.bias', 'h.0.attn.c_attn.weight', 'h.0.attn.c_attn.bias' and 22 more.", "stage=3", "ignored=*.b")]
    [InlineData("'zero_optimization': The override's pattern 'h.7' matches no unit of the model; units are named 'root', 'h.0', 'h.1'.", "stage=3", "overrides={\"h.7\": {\"stage\": 1}}")]
    [InlineData("'zero_optimization': Units do not nest, but the patterns 'h.**' match both 'h.0' and 'h.0.ln_1' within it; make them match one.", "stage=3", "units=h.**")]
    [InlineData("unknown key 'zero_optimization.shard_grup_size'; the nearest known key is 'zero_optimization.shard_group_size'", "shard_grup_size=2")]
    [InlineData("unknown key 'zero_optimization.prefetch.foward'; the nearest known key is 'zero_optimization.prefetch.forward'", "prefetch.foward=2")]
    public void Sharding_ThatCannotBe_IsRefusedWithTheFix(string problem, params string[] settings) =>
        Assert.Equal("the configuration: " + problem, Configurations.Problem([.. settings.Select(s => $"zero_optimization.{s}"), "ranks=4"]));

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

    [Theory]
    [InlineData("WarmupDecayLR", "scheduler.params.warmup_num_steps=5")]
    [InlineData("InverseSqrtLR", "scheduler.params.timescale=3")]
    [InlineData("OneCycleLR", "scheduler.params.pct_start=0.5")]
    [InlineData("StepLR", "scheduler.params.step_size=7")]
    [InlineData("WarmupStableDecayLR", "scheduler.params.decay_num_steps=4")]
    public void WrittenConfiguration_ReadsAsTheSame(string scheduler, string setting)
    {
        var run = Configurations.Parse(
            $"scheduler.type={scheduler}", setting, "optimizer.type=Lion", "optimizer.params.state_dtype=int8", "optimizer.params.lr_scaling=linear",
            "optimizer.params.base_batch_size=4", "optimizer.groups=[{\"pattern\":\"**.bias\",\"weight_decay\":0.5},{\"pattern\":\"wte*\",\"lr\":0.25}]");
        var read = RunConfiguration.Parse(System.Text.Encoding.UTF8.GetString(run.ToJson()));
        Assert.Equal(run.ToJson(), read.ToJson());
        Assert.Equal(run.Scheduler, read.Scheduler);
        Assert.Equal((0.9, 0.99), read.Optimizer.Betas);
        Assert.Equal(run.Optimizer.Groups, read.Optimizer.Groups);
    }

    [Fact]
    public void RunThatEndsWithinTheWarmup_IsNoMistake() =>
        Assert.Equal(30, Configurations.Parse("scheduler.type=WarmupCosineLR", "scheduler.params.warmup_num_steps=30", "steps=5").Scheduler.TotalSteps);

    [Fact]
    public void ModelOfMoreParametersThanCanBeCounted_IsRefused_ByTheModelsOwnCount()
    {
        var tiny = Configurations.Parse();
        Assert.Equal(new Nn.Gpt2(RunParts.Model(tiny, exactGelu: false)).ParameterCount(), (long)RunParts.Model(tiny, exactGelu: false).CountParameters());

        Assert.Equal(
            "the configuration: 'model': n_layer 2, n_embd 2000000000, n_positions 64 and vocab_size 256 make 96000000696000000000 parameters, "
            + "more than the 576460752303423487 that memory can be counted for; lower one of them",
            Configurations.Problem("model.n_embd=2000000000"));
    }

    [Fact]
    public void ActivationsOfMoreBytesThanCanBeCounted_AreRefused() =>
        Assert.Equal(
            "the configuration: the activations of a micro-batch of 1920000000 tokens ('train_micro_batch_size_per_gpu' 30000000 x 'data.seq_len' 64) have more bytes than can be "
            + "counted for a model of 'model.vocab_size' 2000000000, 'model.n_embd' 64 and 'model.n_layer' 2; raise 'gradient_accumulation_steps' or lower one of them",
            Configurations.Problem("train_batch_size=30000000", "model.vocab_size=2000000000"));

    // 1e-60 has no fp32, 1e39 is beyond it, and 1 - 1e-9 rounds to 1.
    [Theory]
    [InlineData("model.layer_norm_epsilon=1e-60", "a number above 0 and below 1, also in fp32, where it becomes 0")]
    [InlineData("model.layer_norm_epsilon=0.999999999", "a number above 0 and below 1, also in fp32, where it becomes 1")]
    [InlineData("model.dropout=0.999999999", "a number from 0 to below 1, also in fp32, where it becomes 1")]
    [InlineData("optimizer.params.lr=1e-60", "a number, at least 0, also in fp32, where it becomes 0")]
    [InlineData("optimizer.params.lr=1e39", "a number, at least 0, also in fp32, where it becomes infinity")]
    [InlineData("optimizer.params.eps=1e-46", "a number, at least 0, also in fp32, where it becomes 0")]
    [InlineData("optimizer.params.weight_decay=1e-300", "a number, at least 0, also in fp32, where it becomes 0")]
    [InlineData("optimizer.params.betas=[0.9,0.9999999999]", "a list of two numbers from 0 to below 1; each is a number from 0 to below 1, also in fp32, where it becomes 1")]
    [InlineData("gradient_clipping=1e39", "a number, at least 0, also in fp32, where it becomes infinity")]
    [InlineData("optimizer.params.lr=1e999", "a number, at least 0, also in fp32, where it becomes infinity")]
    [InlineData("optimizer.params.lr=-1", "a number, at least 0")]
    public void NumberThatFp32RoundsToAnother_IsRefused(string setting, string expected)
    {
        var equals = setting.IndexOf('=', StringComparison.Ordinal);
        var found = setting[(equals + 1)..];
        Assert.Equal(
            $"the configuration: '{setting[..equals]}' is the {(found[0] == '[' ? "list" : "number")} {found}; expected {expected}", Configurations.Problem(setting));
    }

    [Theory]
    [InlineData("optimizer.params.lr=1e-45")]
    [InlineData("optimizer.params.lr=0")]
    [InlineData("optimizer.params.eps=3.4e38")]
    [InlineData("model.dropout=0.9999999")]
    public void NumberThatFp32Holds_IsTaken(string setting) => Configurations.Parse(setting);

    [Fact]
    public void RunThatNoMachineOfThisSizeHolds_IsRefused()
    {
        var run = Configurations.Parse("ranks=2");
        MachineLimits.CheckMemory(run, 2, 1_000_000);
        MachineLimits.CheckMemory(run, 1, 500_000);
        Assert.StartsWith(
            "the run needs more than the 391 KiB of this machine: at least ", Assert.Throws<ConfigurationException>(() => MachineLimits.CheckMemory(run, 2, 400_000)).Message, StringComparison.Ordinal);
        MachineLimits.CheckThreads(64, 16, cores: 2);
        MachineLimits.CheckThreads(1, 2048, cores: 128);
        Assert.Equal(
            "'ranks' 2 on this machine x 'threads_per_rank' 2000000000 = 4000000000 threads, more than the 1024 that 2 cores can serve; lower either",
            Assert.Throws<ConfigurationException>(() => MachineLimits.CheckThreads(2, 2_000_000_000, cores: 2)).Message);
    }

    [Fact]
    public void MicroBatchOfMoreTokensThanAnArrayHolds_IsRefused() =>
        Assert.Equal(
            "the configuration: a micro-batch has 4294967296 tokens ('train_micro_batch_size_per_gpu' 65536 x 'data.seq_len' 65536), more than 2147483591; "
            + "raise 'gradient_accumulation_steps' or lower either",
            Configurations.Problem("train_batch_size=65536", "model.n_positions=65536"));
}

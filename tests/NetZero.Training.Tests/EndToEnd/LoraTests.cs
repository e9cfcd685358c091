using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>The section <c>lora</c>: adapters are trained on a base that stays, is sharded, and is in no checkpoint.</summary>
public sealed class LoraTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;
    private readonly string _base;

    public LoraTests()
    {
        _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7} ")));
        _base = _folder.At("base");
        var model = new Gpt2(new Gpt2Config { LayerCount = 2, HeadCount = 3, EmbeddingSize = 30, PositionCount = 16, VocabularySize = 256 });
        using var tensors = new TensorContext(new TensorContextOptions { Seed = 11 });
        model.Materialize(tensors);
        using var writer = HuggingFaceFolderWriter.Create(_base, model.Config.ToHuggingFace(), Gpt2Files.Specs(model));
        foreach (var (name, parameter) in model.NamedParameters())
            writer.Write(name, 0, parameter.Value.ToArray<float>());
        writer.Commit();
    }

    public void Dispose() => _folder.Dispose();

    // The smallest section, and one with everything: several layers, dropout, a scale by the root, 16 bits, accumulation.
    public static TheoryData<string[]> Sections => new()
    {
        (string[])["lora={\"r\": 4}"],
        (string[])["lora={\"r\": 3, \"lora_alpha\": 9, \"lora_dropout\": 0.2, \"target_modules\": \"all-linear\", \"use_rslora\": true}", "gradient_accumulation_steps=2", "gradient_clipping=0.1"],
        (string[])["lora={\"r\": 4, \"target_modules\": [\"c_attn\", \"h.1.mlp.*\"]}", "bf16.enabled=true", "activation_checkpointing.mode=full"],
        (string[])["lora={\"r\": 4}", "optimizer.type=Muon"],
        (string[])["lora={\"r\": 4}", "optimizer={\"type\": \"Adafactor\", \"params\": {\"relative_step\": false, \"beta1\": 0.9}}"],
        (string[])["lora={\"r\": 4, \"base_dtype\": \"bf16\"}"],
        (string[])["lora={\"r\": 4, \"base_dtype\": \"int8\"}"],
        (string[])["lora={\"r\": 4, \"base_dtype\": \"nf4\", \"target_modules\": \"all-linear\"}", "bf16.enabled=true"],
    };

    [Theory]
    [MemberData(nameof(Sections))]
    public async Task Stages_GiveTheSameBits_AndTheBaseIsNotWritten(string[] section)
    {
        Run? first = null;
        for (var stage = 0; stage <= 3; stage++)
        {
            var run = new Run(_folder, $"stage{stage}");
            await run.TrainAsync(_text, [.. Settings, .. section, $"zero_optimization.stage={stage}", "ranks=3"]);
            Assert.False(Directory.Exists(Path.Combine(run.Folder, "model")));
            first ??= run;
            Assert.Equal(first.Losses, run.Losses);
            Assert.Equal(Adapter(first), Adapter(run));
        }
    }

    // Gradients and moments: of the adapters, and of nothing else. A unit of them is padded to 256 elements a rank.
    [Theory]
    [InlineData(1, 0, "run")]
    [InlineData(2, 2, "bf16")]
    [InlineData(3, 3, "run")]
    [InlineData(3, 3, "nf4")]
    public async Task Memory_OfGradientsAndMoments_IsTheAdapters_AndPlannedExactly(int ranks, int stage, string baseType)
    {
        string[] settings = [.. Settings, $"lora={{\"r\": 4, \"lora_dropout\": 0.1, \"base_dtype\": \"{baseType}\"}}", $"ranks={ranks}", $"zero_optimization.stage={stage}"];
        var run = new Run(_folder, "run");
        await run.TrainAsync(_text, settings);

        const int adapters = 4 * (30 + 90);
        var shard = ((adapters + ranks - 1) / ranks + 255) / 256 * 256;
        var steady = run.Memory.GetProperty("ranks")[0].GetProperty("steady_bytes");
        var sharded = stage >= 2 && ranks > 1;
        Assert.Equal(2 * 4 * (sharded ? shard : shard * ranks), steady.GetProperty("gradient").GetInt64());
        Assert.Equal(2 * 8 * (sharded ? shard : shard * ranks), steady.GetProperty("optimizer").GetInt64());

        var path = _folder.At("planned.json");
        MemoryReport.Write(path, Enumerable.Range(0, ranks).Select(rank => MemoryPlan.Predict(run.Configure(_text, settings), rank)));
        Assert.Equal(File.ReadAllText(path), File.ReadAllText(Path.Combine(run.Folder, "memory.json")));
    }

    [Fact]
    public async Task Adapter_SavedByFourRanks_LoadsAtOne_AndMergedGivesTheSameLogits()
    {
        var run = new Run(_folder, "run");
        var summary = await run.TrainAsync(_text, [.. Settings, "lora={\"r\": 4, \"lora_alpha\": 32, \"target_modules\": \"all-linear\"}", "ranks=4", "zero_optimization.stage=3", "steps=12"]);
        Assert.Contains("adapter", summary.Files);
        Assert.NotNull(summary.Sample);

        var adapter = Path.Combine(run.Folder, "adapter");
        AdapterModels.Merge(_base, adapter, _folder.At("merged"));
        var (plain, adapted, merged) = (Logits(_base, null), Logits(_base, adapter), Logits(_folder.At("merged"), null));
        Assert.InRange(Distance(adapted, merged), 0, 1e-5);
        Assert.True(Distance(plain, adapted) > 1e-2);
        Assert.Contains("holds a model already", Assert.Throws<ConfigurationException>(() => AdapterModels.Merge(_base, adapter, _folder.At("merged"))).Message, StringComparison.Ordinal);
    }

    // 4-bit codes, an eighth of a byte and a few bits of scales for each 64; vectors and positions as they are. At stage 3 a rank has its share of that and gathers codes.
    [Theory]
    [InlineData("nf4", 1, 0.57)]
    [InlineData("int8", 1, 1.05)]
    [InlineData("bf16", 1, 2.001)]
    [InlineData("nf4", 4, 0.57)]
    public void QuantizedBase_OfGpt2_TakesItsBytes(string baseType, int ranks, double perParameter)
    {
        var lora = Configurations.Parse("lora.r=8", $"lora.base_dtype={baseType}", $"init_from={_base}", "model.n_head=3", "model.n_embd=30", "model.n_layer=2", "model.n_positions=64").Lora;
        using var tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        var model = new Gpt2(Gpt2Config.Small);
        var count = model.ParameterCount();
        Lora.Apply(model, lora.ToOptions()!, lora.Storage);
        var module = FullyShard.Apply(model, new FakeProcessGroup(0, ranks), tensors, ShardingPolicy.Zero3);
        var adapters = module.Units.Where(u => !u.Placements[0].Parameter.IsFixed).Sum(u => ranks == 1 ? u.PaddedElements : u.ShardElements) * sizeof(float);
        Assert.InRange((tensors.Ledger.Live(MemoryKind.Parameter) - adapters) * (double)ranks / count, perParameter / 1.1, perParameter);
        Assert.Equal(124_439_808, count);
    }

    // Codes are widened in the order of the stream, behind the gather that brings them and before their panel is used again.
    [Theory]
    [InlineData("run", 1)]
    [InlineData("int8", 2)]
    [InlineData("nf4", 3)]
    public async Task Adapters_OnADeviceThatRunsLater_HaveTheProcessorsBits(string baseType, int stage)
    {
        string[] settings =
        [
            .. Settings, $"lora={{\"r\": 4, \"lora_dropout\": 0.1, \"target_modules\": \"all-linear\", \"base_dtype\": \"{baseType}\"}}", $"zero_optimization.stage={stage}",
            "gradient_accumulation_steps=2",
        ];
        var (processor, delayed) = (new Run(_folder, "processor"), new Run(_folder, "delayed"));
        await processor.TrainAsync(_text, settings);
        await Trainer.RunAsync(delayed.Configure(_text, settings), new TrainingOptions { Device = new DelayedDevice(new DelayedTiming(stage)) }, new Silent());
        Assert.Equal(processor.Losses, delayed.Losses);
        Assert.Equal(Adapter(processor), Adapter(delayed));
    }

    [Theory]
    [InlineData("Dequantize")]
    [InlineData("QuantizedEmbedding")]
    public async Task DeviceThatCannotWidenCodes_EndsTheRun_AndNamesOpDeviceAndType(string op)
    {
        var kernels = new KernelRegistry("sparse").AddProcessorCode((name, _) => name != op);
        var run = new Run(_folder, "run").Configure(_text, [.. Settings, "lora={\"r\": 4, \"base_dtype\": \"nf4\"}", "ranks=1"]);
        var e = await Assert.ThrowsAsync<MissingKernelException>(() =>
            Trainer.RunAsync(run, new TrainingOptions { Device = new DelayedDevice(new DelayedTiming(1), kernels) }, new Silent()));
        Assert.Equal((op, "sparse", DType.U8), (e.Op, e.DeviceName, e.DType));
    }

    // What 4 bits lose of a base: the first loss is near its own. The base has learned nothing and its head stays, so adapters lower the loss a little, far more than batches differ.
    [Fact]
    public async Task Qlora_StartsNearTheBase_AndLearns()
    {
        var (plain, codes) = (new Run(_folder, "plain"), new Run(_folder, "codes"));
        await plain.TrainAsync(_text, [.. Settings, "lora.r=4", "steps=1"]);
        await codes.TrainAsync(_text, [.. Settings, "lora={\"r\": 8, \"target_modules\": \"all-linear\", \"base_dtype\": \"nf4\"}", "steps=30"]);
        Assert.Equal(plain.Losses[0], codes.Losses[0], 0.05);
        Assert.True(codes.Losses[^1] < codes.Losses[0] - 0.05, $"{codes.Losses[0]} -> {codes.Losses[^1]}");
    }

    // Saved by three ranks at stage 3, gone on with by two at stage 1: as the checkpoint's own ranks would, but for the order of sums.
    [Theory]
    [InlineData("run")]
    [InlineData("nf4")]
    public async Task Checkpoint_LeavesTheBaseOut_SaysSo_IsGoneOnWith_AndExportsTheAdapter(string baseType)
    {
        string[] settings = [.. Settings, $"lora={{\"r\": 4, \"lora_dropout\": 0.1, \"base_dtype\": \"{baseType}\"}}", "ranks=3", "zero_optimization.stage=3", "checkpoint.every_steps=2", "steps=4"];
        var whole = new Run(_folder, "whole");
        await whole.TrainAsync(_text, settings);
        var checkpoint = Path.Combine(whole.Folder, "checkpoints", "step-000002");
        using (var reader = CheckpointReader.Open(checkpoint))
        {
            Assert.Equal(new CheckpointFixed(28, new Gpt2(Shape).ParameterCount()), reader.Manifest.Fixed);
            Assert.All(reader.Manifest.Tensors, t => Assert.Contains(".lora_", t.Name, StringComparison.Ordinal));
        }

        var rest = new Run(_folder, "rest");
        await Trainer.RunAsync(rest.Configure(_text, settings), new TrainingOptions { Resume = checkpoint }, new Silent());
        Assert.Equal(Adapter(whole), Adapter(rest));

        using (var reader = CheckpointReader.Open(Path.Combine(rest.Folder, "checkpoints", "step-000004")))
            CheckpointModels.Export(reader, _folder.At("exported"), long.MaxValue);
        Assert.Equal(Adapter(whole), Adapter(_folder.At("exported")));

        var fewer = new Run(_folder, "fewer");
        await Trainer.RunAsync(fewer.Configure(_text, [.. settings, "ranks=2", "zero_optimization.stage=1"]), new TrainingOptions { Resume = checkpoint }, new Silent());
        Assert.Equal(whole.Losses[^1], fewer.Losses[^1], 1e-5);
    }

    // A base that is drawn from the seed is written once, beside its adapter, and no step has changed it.
    [Fact]
    public async Task WithoutInitFrom_TheBaseOfTheSeedIsWrittenBesideTheAdapter()
    {
        var (plain, run) = (new Run(_folder, "plain"), new Run(_folder, "run"));
        await plain.TrainAsync(_text, "optimizer.params.lr=0");
        await run.TrainAsync(_text, "lora.r=2");
        Assert.Equal(plain.ModelBytes, run.ModelBytes);
        Assert.NotEqual(Logits(Path.Combine(run.Folder, "model"), null), Logits(Path.Combine(run.Folder, "model"), Path.Combine(run.Folder, "adapter")));
    }

    [Theory]
    [InlineData("'lora.r' is the number 0; expected a whole number, at least 1", "lora.r=0")]
    [InlineData("unknown key 'lora.rank'; the nearest known key is 'lora.r'", "lora.rank=4")]
    [InlineData("'lora.lora_alpha' would have no effect: it belongs to a section lora with 'r'; remove it", "lora.lora_alpha=4")]
    [InlineData("'lora.lora_dropout' is the number 1; expected a number from 0 to below 1", "lora={\"r\": 1, \"lora_dropout\": 1}")]
    [InlineData("'lora.base_dtype' keeps the base in codes, which are not written: name the base by 'init_from'", "lora.r=1", "lora.base_dtype=nf4")]
    [InlineData("'lora.base_dtype' is the text \"fp4\"; expected one of \"run\", \"fp32\", \"bf16\", \"int8\", \"nf4\"", "lora.r=1", "lora.base_dtype=fp4")]
    [InlineData("'frozen' would have no effect: 'lora' trains adapters alone; leave it out, or choose layers by 'lora.target_modules'", "lora.r=1", "frozen=wte.*")]
    [InlineData(
        "'lora': target_modules has 'q_proj', which is no linear layer of the model; these are named 'c_attn', 'c_proj', 'c_fc', in full 'h.0.attn.c_attn', 'h.0.attn.c_proj', 'h.0.mlp.c_fc', 'h.0.mlp.c_proj', 'h.1.attn.c_attn', 'h.1.attn.c_proj' and 2 more.",
        "lora.r=1", "lora.target_modules=[\"q_proj\"]")]
    public void Contradiction_IsRefusedWithTheNamesThatExist(string problem, params string[] overrides) =>
        Assert.Equal("the configuration: " + problem, Configurations.Problem(overrides));

    private static Gpt2Config Shape => new() { LayerCount = 2, HeadCount = 3, EmbeddingSize = 30, PositionCount = 16, VocabularySize = 256 };

    private string[] Settings => [$"init_from={_base}", "optimizer.params.lr=5e-2"];

    private static byte[] Adapter(Run run) => Adapter(Path.Combine(run.Folder, "adapter"));

    private static byte[] Adapter(string folder) => File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors"));

    private static float[] Logits(string folder, string? adapter)
    {
        using var generator = TextGenerator.Load(folder, adapter: adapter);
        return generator.NextLogits("7 14 21 28 3");
    }

    private static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();

    private sealed class Silent : ITrainingObserver;
}

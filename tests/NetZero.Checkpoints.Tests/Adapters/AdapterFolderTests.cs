using NetZero.Nn;

namespace NetZero.Checkpoints.Tests;

/// <summary>Adapters as files: PEFT's names, the same bytes again, and what is refused.</summary>
public sealed class AdapterFolderTests : IDisposable
{
    private static readonly Gpt2Config Tiny = new() { LayerCount = 2, HeadCount = 2, EmbeddingSize = 8, PositionCount = 8, VocabularySize = 16 };
    private static readonly LoraOptions Options = new() { Rank = 2, Alpha = 6, Dropout = 0.1, TargetModules = ["c_attn"] };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_HavePeftsNames()
    {
        Write("a", Tiny, Options);
        using var file = SafetensorsFile.Open(Path.Combine(_folder["a"], "adapter_model.safetensors"));
        Assert.Equal(
            [
                "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight", "base_model.model.transformer.h.0.attn.c_attn.lora_B.weight",
                "base_model.model.transformer.h.1.attn.c_attn.lora_A.weight", "base_model.model.transformer.h.1.attn.c_attn.lora_B.weight",
            ],
            file.Tensors.Select(t => t.Name));
        Assert.Equal([2, 8], file.Tensors[0].Shape);
        Assert.Equal([24, 2], file.Tensors[1].Shape);
        var config = File.ReadAllText(Path.Combine(_folder["a"], "adapter_config.json"));
        foreach (var line in (string[])["\"peft_type\": \"LORA\"", "\"r\": 2", "\"lora_alpha\": 6", "\"lora_dropout\": 0.1", "\"fan_in_fan_out\": true", "\"base_model_name_or_path\": \"base\""])
            Assert.Contains(line, config, StringComparison.Ordinal);
    }

    // The example of PEFT's documentation of its checkpoint format (docs/source/developer_guides/checkpoint.md), of a model that is not
    // GPT-2, and what it calls the least that there must be.
    [Fact]
    public void Config_HasKeysOfPeftsDocumentationAlone()
    {
        string[] documented =
        [
            "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "fan_in_fan_out", "inference_mode", "init_lora_weights",
            "layer_replication", "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha", "lora_dropout", "megatron_config",
            "megatron_core", "modules_to_save", "peft_type", "r", "rank_pattern", "revision", "target_modules", "task_type", "use_dora",
            "use_rslora",
        ];
        Write("a", Tiny, Options);
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder["a"], "adapter_config.json")));
        var written = json.RootElement.EnumerateObject().Select(p => p.Name).ToArray();
        Assert.Empty(written.Except(documented));
        string[] needed = ["target_modules", "peft_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "base_model_name_or_path"];
        Assert.Empty(needed.Except(written));

        Config("a", """
            {
              "alpha_pattern": {},
              "auto_mapping": { "base_model_class": "GPT2LMHeadModel", "parent_library": "transformers.models.gpt2.modeling_gpt2" },
              "base_model_name_or_path": "gpt2", "bias": "none", "fan_in_fan_out": true, "inference_mode": true, "init_lora_weights": true,
              "layer_replication": null, "layers_pattern": null, "layers_to_transform": null, "loftq_config": {}, "lora_alpha": 8,
              "lora_dropout": 0.0, "megatron_config": null, "megatron_core": "megatron.core", "modules_to_save": null,
              "peft_type": "LORA", "r": 2, "rank_pattern": {}, "revision": null, "target_modules": [ "c_attn" ], "task_type": null,
              "use_dora": false, "use_rslora": false
            }
            """);
        using var folder = AdapterFolder.Open(_folder["a"]);
        Assert.Equal((8, 0, "gpt2"), (folder.Config.Options.Alpha, folder.Config.Options.Dropout, folder.Config.BaseModel));
        folder.Attach(new Gpt2(Tiny));
    }

    [Fact]
    public void Folder_ReadAndWrittenAgain_HasTheSameBytes()
    {
        Write("a", Tiny, Options);
        using (var read = AdapterFolder.Open(_folder["a"]))
        {
            Assert.Equal("base", read.Config.BaseModel);
            var model = new Gpt2(Tiny);
            read.Attach(model);
            using var writer = AdapterFolderWriter.Create(_folder["b"], model, read.Config.Options, read.Config.BaseModel);
            foreach (var (name, parameter) in Lora.Parameters(model))
            {
                var values = new float[parameter.Shape.Elements];
                read.Read(name, parameter, 0, values);
                writer.Write(name, 0, values);
            }

            writer.Commit();
        }

        foreach (var name in (string[])["adapter_config.json", "adapter_model.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder["a"], name)), File.ReadAllBytes(Path.Combine(_folder["b"], name)));
    }

    // As other versions of PEFT write: an expression for the layers, names without the model around, keys that mean "off", keys that change nothing.
    [Fact]
    public void Folder_OfAnotherVersion_IsRead()
    {
        Write("a", Tiny, Options with { TargetModules = ["h.1.attn.c_attn"] });
        Config("a", """{ "peft_type": "LORA", "r": 2, "lora_alpha": 6, "target_modules": ".*h\\.1\\.attn\\.c_attn", "use_dora": false, "exclude_modules": null, "peft_version": "0.18" }""");
        using var folder = AdapterFolder.Open(_folder["a"]);
        var model = new Gpt2(Tiny);
        folder.Attach(model);
        Assert.Equal(["h.1.attn.c_attn"], Lora.Adapted(model).Select(l => l.Name));
    }

    [Theory]
    [InlineData("use_dora is 'True'", "\"use_dora\": true")]
    [InlineData("bias is 'all', expected none", "\"bias\": \"all\"")]
    [InlineData("peft_type is 'IA3', expected LORA", "\"peft_type\": \"IA3\"")]
    [InlineData("modules_to_save is '[\"wte\"]'", "\"modules_to_save\": [\"wte\"]")]
    [InlineData("rank_pattern is", "\"rank_pattern\": {\"c_attn\": 4}")]
    [InlineData("r is '0', expected a whole number from 1", "\"r\": 0")]
    public void Config_ThatMeansSomethingElse_IsRefused(string problem, string line)
    {
        Write("a", Tiny, Options);
        Config("a", $"{{ {line} }}");
        Assert.Contains(problem, Assert.Throws<CheckpointFormatException>(() => AdapterFolder.Open(_folder["a"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Adapter_OfAnotherModel_IsRefusedWithNames()
    {
        Write("wide", Tiny with { EmbeddingSize = 12 }, Options);
        Write("deep", Tiny with { LayerCount = 3 }, Options);
        Write("shallow", Tiny with { LayerCount = 1 }, Options);
        Write("layer", Tiny with { LayerCount = 3 }, Options with { TargetModules = ["h.2.mlp.c_fc"] });
        Refused("wide", "2 tensors", "'h.0.attn.c_attn.lora_A.weight' has shape [2, 12], expected [2, 8]");
        Refused("deep", "2 tensors unexpected: 'h.2.attn.c_attn.lora_A.weight'", "");
        Refused("shallow", "2 tensors missing: 'h.1.attn.c_attn.lora_A.weight'", "");
        Refused("layer", "'h.2.mlp.c_fc', which is no linear layer", "'h.0.attn.c_attn'");
        Assert.Contains("there is no such folder", Assert.Throws<CheckpointFormatException>(() => AdapterFolder.Open(_folder["none"])).Message, StringComparison.Ordinal);

        void Refused(string name, string first, string second)
        {
            using var folder = AdapterFolder.Open(_folder[name]);
            var message = Assert.Throws<CheckpointFormatException>(() => folder.Attach(new Gpt2(Tiny))).Message;
            Assert.Contains("is an adapter of another model", message, StringComparison.Ordinal);
            Assert.Contains(name == "wide" ? second : first, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    private void Config(string name, string json) => File.WriteAllText(Path.Combine(_folder[name], "adapter_config.json"), json);

    private void Write(string name, Gpt2Config shape, LoraOptions options)
    {
        var model = new Gpt2(shape);
        Lora.Apply(model, options);
        using var writer = AdapterFolderWriter.Create(_folder[name], model, options, "base");
        foreach (var (parameter, value) in Lora.Parameters(model))
            writer.Write(parameter, 0, [.. Enumerable.Range(0, (int)value.Shape.Elements).Select(i => MathF.Sin(i + parameter.Length))]);
        writer.Commit();
    }
}

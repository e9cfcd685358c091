using NetZero.Testing;

namespace NetZero.Checkpoints.Tests;

public sealed class HuggingFaceGpt2ConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_TheFixture_GivesItsValues()
    {
        var config = HuggingFaceGpt2Config.Read(Fixtures.Gpt2Tiny.Folder);
        Assert.Equal(
            new HuggingFaceGpt2Config { VocabSize = 256, NPositions = 64, NEmbd = 64, NLayer = 2, NHead = 4 }, config);
    }

    [Fact]
    public void Read_AlmostNothing_GivesHuggingFacesDefaults()
    {
        // The defaults of GPT2Config, which describe the smallest of OpenAI's models.
        var config = Read("{}");
        Assert.Equal((50257, 1024, 768, 12, 12), (config.VocabSize, config.NPositions, config.NEmbd, config.NLayer, config.NHead));
        Assert.Equal((1e-5, 0.1, 0.1, 0.1), (config.LayerNormEpsilon, config.EmbdPdrop, config.AttnPdrop, config.ResidPdrop));
        Assert.Equal(("gelu_new", true), (config.ActivationFunction, config.TieWordEmbeddings));
    }

    [Fact]
    public void Read_KeysOfOtherPrograms_AreAccepted()
    {
        var config = Read(
            """
            {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_ctx": 1024, "n_inner": null, "eos_token_id": 50256, "summary_type": "cls_index",
             "task_specific_params": {"text-generation": {"do_sample": true}}, "transformers_version": "4.31.0", "torch_dtype": "float16", "n_layer": 24}
            """);
        Assert.Equal(24, config.NLayer);
    }

    [Fact]
    public void Read_GeneralNames_MeanTheSame()
    {
        var config = Read("""{"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "max_position_embeddings": 32}""");
        Assert.Equal((64, 3, 2, 32), (config.NEmbd, config.NLayer, config.NHead, config.NPositions));
        Fails("""{"hidden_size": 64, "n_embd": 96}""", "n_embd is '96', expected 64 as hidden_size");
    }

    [Theory]
    [InlineData("gelu_new", true)]
    [InlineData("gelu_pytorch_tanh", true)]
    [InlineData("gelu", false)]
    public void Read_EachActivationThatIsKnown_SaysWhichGeluItIs(string name, bool isTanh) =>
        Assert.Equal(isTanh, Read($$"""{"activation_function": "{{name}}"}""").UsesTanhGelu);

    [Theory]
    [InlineData("""{"activation_function": "relu"}""", "activation_function is 'relu', expected gelu_new or gelu_pytorch_tanh or gelu")]
    [InlineData("""{"model_type": "llama"}""", "model_type is 'llama', expected gpt2")]
    [InlineData("""{"scale_attn_weights": false}""", "scale_attn_weights is 'false', expected true")]
    [InlineData("""{"scale_attn_by_inverse_layer_idx": true}""", "scale_attn_by_inverse_layer_idx is 'true', expected false")]
    [InlineData("""{"add_cross_attention": true}""", "add_cross_attention is 'true', expected false")]
    [InlineData("""{"n_inner": 100}""", "n_inner is '100', expected null or 4 n_embd (3072)")]
    [InlineData("""{"n_head": 5}""", "n_embd is '768', expected a multiple of n_head (5)")]
    [InlineData("""{"n_layer": 0}""", "n_layer is '0', expected a whole number from 1")]
    [InlineData("""{"n_layer": 2.5}""", "n_layer is '2.5', expected a whole number from 1")]
    [InlineData("""{"n_layer": "12"}""", "n_layer is '12', expected a whole number from 1")]
    [InlineData("""{"n_layer": null}""", "n_layer is 'null', expected a whole number from 1")]
    [InlineData("""{"vocab_size": 99999999999}""", "vocab_size is '99999999999', expected a whole number from 1")]
    [InlineData("""{"layer_norm_epsilon": 0}""", "layer_norm_epsilon is '0', expected a number between 0 and 1")]
    [InlineData("""{"attn_pdrop": 1}""", "attn_pdrop is '1', expected a number from 0 to below 1")]
    [InlineData("""{"tie_word_embeddings": "yes"}""", "tie_word_embeddings is 'yes', expected true or false")]
    [InlineData("""{"n_layer": 1, "n_layer": 2}""", "is not valid JSON at line 1")]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("{", "is not valid JSON at line 1, byte 2")]
    [InlineData("""{"activation_function": "\ud800"}""", "not valid Unicode")]
    [InlineData("""{"\ud800": 1}""", "not valid Unicode")]
    public void Read_AValueThatIsWrongOrNotSupported_IsNamed(string json, string message) => Fails(json, message);

    [Fact]
    public void Read_NoFileOrNoFolder_SaysWhich()
    {
        Assert.EndsWith(
            "has no config.json", Assert.Throws<CheckpointFormatException>(() => HuggingFaceGpt2Config.Read(_folder.Path)).Message);
        Assert.EndsWith(
            "there is no such folder", Assert.Throws<CheckpointFormatException>(() => HuggingFaceGpt2Config.Read(_folder["none"])).Message);
    }

    [Fact]
    public void Write_ThenRead_GivesTheSameConfiguration()
    {
        var config = new HuggingFaceGpt2Config
        {
            VocabSize = 256,
            NPositions = 128,
            NEmbd = 96,
            NLayer = 3,
            NHead = 6,
            LayerNormEpsilon = 1.25e-6,
            ActivationFunction = "gelu",
            EmbdPdrop = 0,
            AttnPdrop = 0.3,
            ResidPdrop = 1.0 / 3,
            TieWordEmbeddings = false,
        };
        config.Write(_folder.Path);
        Assert.Equal(config, HuggingFaceGpt2Config.Read(_folder.Path));
        var text = File.ReadAllText(_folder["config.json"]);
        Assert.Contains("\"architectures\": [\n    \"GPT2LMHeadModel\"\n  ]", text);
        Assert.EndsWith("}\n", text);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    private HuggingFaceGpt2Config Read(string json)
    {
        File.WriteAllText(_folder["config.json"], json);
        return HuggingFaceGpt2Config.Read(_folder.Path);
    }

    private void Fails(string json, string message)
    {
        var error = Assert.Throws<CheckpointFormatException>(() => Read(json));
        Assert.StartsWith(_folder["config.json"] + ": ", error.Message);
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}

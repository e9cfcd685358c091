namespace NetZero.Planning.Tests;

/// <summary>Parameters of published checkpoints, counted from their <c>config.json</c>.</summary>
public class HuggingFaceModelTests
{
    [Theory]
    [InlineData(124_439_808, """{"model_type":"gpt2"}""")]
    [InlineData(1_557_611_200, """{"model_type":"gpt2","n_embd":1600,"n_head":25,"n_layer":48}""")]
    [InlineData(8_030_261_248, """{"model_type":"llama","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":128256}""")]
    [InlineData(1_235_814_400, """{"model_type":"llama","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":64,"vocab_size":128256,"tie_word_embeddings":true}""")]
    [InlineData(7_241_732_096, """{"model_type":"mistral","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":32000}""")]
    [InlineData(46_702_792_704, """{"model_type":"mixtral","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":32000,"num_local_experts":8,"num_experts_per_tok":2}""")]
    [InlineData(7_615_616_512, """{"model_type":"qwen2","hidden_size":3584,"intermediate_size":18944,"num_hidden_layers":28,"num_attention_heads":28,"num_key_value_heads":4,"vocab_size":152064}""")]
    [InlineData(6_649_286_656, """{"model_type":"mpt","d_model":4096,"n_heads":32,"n_layers":32,"vocab_size":50432,"expansion_ratio":4,"no_bias":true,"attn_config":{"alibi":true}}""")]
    [InlineData(1_011_781_632, """{"model_type":"gpt_neox","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":8,"vocab_size":50304}""")]
    public void Parameters_AreThoseOfTheCheckpoint(long published, string config) => Assert.Equal(published, HuggingFaceModel.Parse(config, "model/config.json").Parameters);

    [Theory]
    [InlineData("model_type is 'bert'", """{"model_type":"bert"}""")]
    [InlineData("'model_type' is missing", "{}")]
    [InlineData("'hidden_size' is missing", """{"model_type":"llama"}""")]
    [InlineData("'n_layer' is 0; expected a whole number above 0", """{"model_type":"gpt2","n_layer":0}""")]
    [InlineData("7 heads do not divide a hidden size of 768", """{"model_type":"gpt2","n_head":7}""")]
    [InlineData("config.json: ", "not JSON")]
    public void Nonsense_IsOneLineWithTheReason(string reason, string config)
    {
        var refused = Assert.Throws<ArgumentException>(() => HuggingFaceModel.Parse(config, "config.json"));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void Folder_GivesTheModelItsName()
    {
        var folder = Directory.CreateTempSubdirectory("netzero-tests-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "config.json"), """{"model_type":"gpt2"}""");
            Assert.Equal((folder.Name, 124_439_808), (ModelCatalog.Find(folder.FullName).Name, ModelCatalog.Find(folder.FullName).Parameters));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

namespace NetZero.Planning.Tests;

public class ModelCatalogTests
{
    // Sources: parameters of the released checkpoints on Hugging Face (openai-community/gpt2*, meta-llama/*, Qwen/Qwen2.5-*, mistralai/Mixtral-*), as their safetensors count them.
    [Theory]
    [InlineData("gpt2", 124_439_808)]
    [InlineData("gpt2-medium", 354_823_168)]
    [InlineData("gpt2-large", 774_030_080)]
    [InlineData("gpt2-xl", 1_557_611_200)]
    [InlineData("llama2-7b", 6_738_415_616)]
    [InlineData("llama2-13b", 13_015_864_320)]
    [InlineData("llama2-70b", 68_976_648_192)]
    [InlineData("llama3-8b", 8_030_261_248)]
    [InlineData("llama3-70b", 70_553_706_496)]
    [InlineData("llama3-405b", 405_853_388_800)]
    [InlineData("llama3.2-1b", 1_235_814_400)]
    [InlineData("llama3.2-3b", 3_212_749_824)]
    [InlineData("qwen2.5-0.5b", 494_032_768)]
    [InlineData("qwen2.5-1.5b", 1_543_714_304)]
    [InlineData("qwen2.5-3b", 3_085_938_688)]
    [InlineData("qwen2.5-7b", 7_615_616_512)]
    [InlineData("qwen2.5-14b", 14_770_033_664)]
    [InlineData("mixtral-8x7b", 46_702_792_704)]
    [InlineData("mixtral-8x22b", 140_620_634_112)]
    public void Parameters_ReleasedCheckpoint_AreThePublishedOnes(string name, long published) =>
        Assert.Equal(published, ModelCatalog.Find(name).Parameters);

    // llm-foundry's benchmark tables give four decimals of the count, with 2,048 learned positions.
    [Theory]
    [InlineData("mpt-1b", 1.3160)]
    [InlineData("mpt-3b", 2.6518)]
    [InlineData("mpt-7b", 6.6589)]
    [InlineData("mpt-70b", 64.8624)]
    public void Parameters_Mpt_AreThePublishedOnes(string name, double billions) =>
        Assert.Equal(billions, Math.Round(ModelCatalog.Find(name).Parameters / 1e9, 4));

    // T. Brown et al. 2020, table 2.1, whose counts have two or three figures.
    [Theory]
    [InlineData("gpt3-125m", 0.125)]
    [InlineData("gpt3-350m", 0.35)]
    [InlineData("gpt3-760m", 0.76)]
    [InlineData("gpt3-1.3b", 1.3)]
    [InlineData("gpt3-2.7b", 2.7)]
    [InlineData("gpt3-6.7b", 6.7)]
    [InlineData("gpt3-13b", 13.0)]
    [InlineData("gpt3-175b", 175.0)]
    public void Parameters_Gpt3_RoundToTheTable(string name, double billions) =>
        Assert.InRange(ModelCatalog.Find(name).Parameters / (billions * 1e9), 0.98, 1.02);

    // Mixtral's own page: 12.9B of 46.7B parameters are used per token.
    [Fact]
    public void ActiveParameters_Mixtral_CountTwoExpertsOfEight() =>
        Assert.Equal(12.9, ModelCatalog.Find("mixtral-8x7b").ActiveParameters / 1e9, 1);

    [Fact]
    public void Find_MistypedName_GivesTheNearest() =>
        Assert.Contains("did you mean 'llama3-70b'?", Assert.Throws<ArgumentException>(() => ModelCatalog.Find("lama3-70b")).Message);

    [Fact]
    public void Checked_HeadsThatKeysDoNotDivide_AreRefused() =>
        Assert.Contains("12 heads are not a multiple of 5", Assert.Throws<ArgumentException>(() => (ModelCatalog.Find("gpt2") with { KeyValueHeads = 5 }).Checked()).Message);
}

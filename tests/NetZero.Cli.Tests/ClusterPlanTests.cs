using System.Text.Json;

namespace NetZero.Cli.Tests;

public class ClusterPlanTests
{
    private readonly StringTerminal _terminal = new();

    private Task<int> RunAsync(params string[] arguments) => new Tool(_terminal, Reports.Engines).RunAsync(["plan", .. arguments]);

    [Fact]
    public async Task Json_OfANamedModel_HasTimeMemoryAndChanges()
    {
        Assert.Equal(0, await RunAsync("--model", "llama3-70b", "--cluster", "h100x8", "--ranks", "256", "--sequence", "8192", "--recompute", "full", "--json"));

        using var json = JsonDocument.Parse(_terminal.Written);
        var plan = json.RootElement;
        Assert.Equal(70_553_706_496, plan.GetProperty("parameters").GetInt64());
        Assert.True(plan.GetProperty("fits").GetBoolean());
        Assert.InRange(plan.GetProperty("mfu").GetDouble(), 0.1, 0.7);
        Assert.InRange(plan.GetProperty("goodput").GetDouble(), 0.9, 1);
        Assert.InRange(plan.GetProperty("changes").GetArrayLength(), 1, 3);
    }

    [Theory]
    [InlineData("--sweep")]
    [InlineData("--scaling", "8,16,32")]
    [InlineData("--stage", "3")]
    public async Task Text_FitsAHundredColumns(params string[] arguments)
    {
        Assert.Equal(0, await RunAsync(["--model", "gpt2-xl", "--cluster", "a100x8", "--micro-batch", "16", .. arguments]));

        Assert.All(_terminal.Written.Split('\n'), line => Assert.InRange(line.TrimEnd('\r').Length, 0, 100));
    }

    [Theory]
    [InlineData("unknown cluster 'h100x9'; did you mean 'h100x8'?", "--model", "gpt2", "--cluster", "h100x9")]
    [InlineData("unknown network 'infiniband-ndx'; did you mean 'infiniband-ndr'?", "--model", "gpt2", "--network", "infiniband-ndx")]
    [InlineData("unknown model 'lama3-8b'; did you mean 'llama3-8b'?", "--model", "lama3-8b")]
    [InlineData("16 pipeline stages", "--model", "gpt2", "--ranks", "16", "--pipeline", "16")]
    [InlineData("--ranks is 8; expected a positive multiple of 3 x 1 x 1", "--model", "gpt2", "--tensor", "3")]
    [InlineData("device 'A100-80GB' has no fp8", "--model", "gpt2", "--cluster", "a100x8", "--dtype", "fp8")]
    [InlineData("ZeRO stage 5 does not exist", "--model", "gpt2", "--stage", "5")]
    [InlineData("--offload is 'disk'", "--model", "gpt2", "--offload", "disk")]
    [InlineData("the model 'none.json' does not exist", "--model", "none.json")]
    [InlineData("5 tensor-parallel ranks do not divide the 12 heads", "--model", "gpt2", "--ranks", "5", "--tensor", "5")]
    [InlineData("groups of 3 ranks do not divide the 8 replicas", "--model", "gpt2", "--shard-group", "3")]
    [InlineData("nothing to plan")]
    [InlineData("--stage has no effect beside a configuration", "run.json", "--stage", "2")]
    [InlineData("--svg has no effect beside --model without --scaling", "--model", "gpt2", "--svg", "x.svg")]
    [InlineData("--schedule has no effect beside --model", "--model", "gpt2", "--schedule")]
    [InlineData("--model has no effect beside --validate", "--model", "gpt2", "--validate", "rows.csv")]
    [InlineData("--json has no effect beside --sweep", "--model", "gpt2", "--sweep", "--json")]
    [InlineData("--output: netzero train has models of the family gpt2, and llama3-8b is none", "--model", "llama3-8b", "--sweep", "--output", "best.json")]
    [InlineData("--output: netzero train divides ranks over samples alone", "--model", "gpt2", "--tensor", "2", "--sweep", "--output", "best.json")]
    [InlineData("--set has no effect beside --model", "--model", "gpt2", "--set", "steps=1")]
    [InlineData("does not divide over 3", "--model", "gpt2", "--scaling", "1,3")]
    public async Task Nonsense_IsRefusedWithTheReason(string reason, params string[] arguments)
    {
        Assert.Equal(2, await RunAsync(arguments));

        Assert.Contains(reason, _terminal.Errors);
        Assert.Single(_terminal.Errors.Trim().Split('\n'));
    }

    [Fact]
    public async Task Trace_IsChromesFormatWithALaneForEachLevel()
    {
        var path = Path.GetTempFileName();
        try
        {
            Assert.Equal(0, await RunAsync("--model", "gpt2", "--trace", path));

            using var trace = JsonDocument.Parse(await File.ReadAllTextAsync(path));
            var events = trace.RootElement.GetProperty("traceEvents").EnumerateArray().ToArray();
            Assert.Equal(["Compute", "Inside", "Network"], events.Where(e => e.GetProperty("ph").GetString() == "M").Select(e => e.GetProperty("args").GetProperty("name").GetString()));
            Assert.Contains(events, e => e.GetProperty("name").GetString() == "AllGather");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Validate_TableOfOneRow_PrintsErrorsBySource()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                path,
                "id,source,model,params_b,layers,hidden,heads,ffn,vocab,seq,device,devices,precision,strategy,dp,micro_batch,act_ckpt,tokens_per_s_per_gpu\n"
                + "mpt-103,mosaicml/llm-foundry,MPT-3b,2.6518,32,2560,20,10240,50368,2048,A100-80GB,8,amp_bf16,ZeRO-3,8,10,none,10811\n");

            Assert.Equal(0, await RunAsync("--validate", path));

            Assert.Contains("mpt ", _terminal.Written);
            Assert.Contains("100.0 % of 1 rows predicted", _terminal.Written);
        }
        finally
        {
            File.Delete(path);
        }
    }
}

namespace NetZero.Planning.Tests;

public class ValidationReportTests
{
    private const string Header =
        "id,source,model,params_b,layers,hidden,heads,kv_heads,ffn,vocab,seq,device,devices,nodes,interconnect,precision,strategy,dp,tp,pp,cp,micro_batch,"
        + "global_batch_tokens,act_ckpt,compile,tokens_per_s_per_gpu,step_s,tflops_per_gpu,mfu_pct,peak_mem_gib,notes\n";

    // Published rows, by source: MosaicML llm-foundry's benchmark tables, torchtitan's, InternEvo's, torchtune's README, Megatron-LM's golden values.
    private const string Mpt =
        "mpt-103,mosaicml/llm-foundry scripts/train/benchmarking/README.md,MPT-3b,2.6518,32,2560,20,20,10240,50368,2048,A100-80GB,8,1,NVLink,amp_bf16 / mixed DEFAULT,"
        + "FSDP1 FULL_SHARD (ZeRO-3),8,1,1,1,10,327680,none,eager,10811,3.7886,193.0,62.11,,HFU 62.11%; grad-accum 2\n";

    private const string Titan =
        "titan-pr165-004,pytorch/torchtitan PR 165 (FSDP1 vs FSDP2),Llama2-7B,6.74,32,4096,32,32,11008,32000,2048,H100-96GB,8,1,NVLink4,bf16 (fp32 reduce-scatter),"
        + "FSDP2 (ZeRO-3),8,1,1,1,8,131072,selective,eager,6700,2.4454,,,49.54,\"peak_mem is ACTIVE (52.13% of 95.0396 GiB), \"\"active\"\"\"\n";

    private const string Golden =
        "mega-gold-001,NVIDIA/Megatron-LM tests/functional_tests (golden values),GPT-7B-test,7.9,32,4096,32,8,16384,131073,8192,H100-80GB,8,1,,bf16,"
        + "\"ZeRO-1 (dist. optimizer, overlapped) + TP\",2,4,1,1,2,65536,none,eager (TE),7345.6,1.11522,,,53.2193,peak = max ALLOCATED bytes\n";

    private static ValidationReport Validate(string rows) => ValidationReport.Of(Header + rows, "rows.csv", Calibration.Shipped);

    [Fact]
    public void Of_PublishedRows_AreWithinTwentyPercent()
    {
        var report = Validate(Mpt + Titan + Golden);

        Assert.Equal(1, report.PredictedShare);
        Assert.All(report.Rows, row => Assert.InRange(row.TimeError!.Value, 0, 0.2));
        Assert.Equal(2, report.Overall.Memory.Count);
        Assert.All(report.Rows.Where(row => row.MemoryError is not null), row => Assert.InRange(row.MemoryError!.Value, 0, 0.2));
    }

    [Theory]
    [InlineData("tokens_per_s_per_gpu", "step_s")]
    [InlineData("tokens_per_s_per_gpu,step_s", "tflops_per_gpu")]
    [InlineData("tokens_per_s_per_gpu,step_s,tflops_per_gpu", "mfu_pct")]
    public void MeasuredSpeed_FromOtherUnits_IsThatOfTokensWithinThreePercent(string removed, string left)
    {
        var table = new[] { Header.Trim().Split(','), Mpt.Trim().Split(',') };
        foreach (var column in removed.Split(','))
            table[1][Array.IndexOf(table[0], column)] = "";

        var row = Assert.Single(Validate(string.Join(',', table[1])).Rows);

        Assert.True(Math.Abs(row.MeasuredTokensPerSPerGpu!.Value / 10811 - 1) < 0.03, $"{left}: {row.MeasuredTokensPerSPerGpu}");
    }

    [Theory]
    [InlineData("A100-80GB", "Abacus-1", "no description of the device 'Abacus-1'")]
    [InlineData("MPT-3b,2.6518,32,2560,20,20,", "Unheard-3b,2.6518,,2560,20,20,", "gives no sizes of the model")]
    [InlineData(",8,1,NVLink", ",eight,1,NVLink", "devices is 'eight'; expected a number of at least 0")]
    [InlineData("amp_bf16 / mixed DEFAULT", "fp8", "device 'A100-80GB' has no fp8")]
    [InlineData(",8,1,1,1,10,", ",8,3,1,1,10,", "3 tensor-parallel ranks do not divide the 20 heads")]
    public void Of_RowThatCannotBePredicted_IsListedWithTheReason(string right, string wrong, string reason)
    {
        Assert.Contains(right, Mpt);

        var report = Validate(Mpt.Replace(right, wrong) + Titan);

        Assert.Contains(reason, report.Rows[0].Reason);
        Assert.Null(report.Rows[0].PredictedTokensPerSPerGpu);
        Assert.Equal(0.5, report.PredictedShare);
        Assert.Equal(1, report.Overall.Time.Count);
    }

    // What a table may leave out or write otherwise: the row is predicted all the same, and says what was assumed.
    [Theory]
    [InlineData(",32,2560,20,20,10240,50368,", ",,,,,,,", "sizes of mpt-3b")]
    [InlineData(",20,20,10240,50368,", ",,,,,", "sizes of mpt-3b")]
    [InlineData("MPT-3b,2.6518,32,2560,20,20,10240,50368", "Unheard-3b,2.6518,32,2560,,,10240,", "20 heads")]
    [InlineData(",10,327680,", ",,,", "micro-batch 1")]
    [InlineData(",2048,A100", ",,A100", "sequence 2048")]
    [InlineData(",8,1,NVLink", ",,1,NVLink", null)]
    [InlineData(",8,1,1,1,10,327680,", ",16,1,1,1,10,327680,", "data-parallel ranks 8")]
    [InlineData(",none,eager,", ",,,", "recomputation: ")]
    [InlineData("10811", "\"~10,811\"", null)]
    [InlineData("10811", "n/a", null)]
    [InlineData("10811,3.7886,193.0,62.11", "fast,-,?,62.11%", null)]
    [InlineData("A100-80GB", "NVIDIA A100 SXM4 80GB (HGX)", null)]
    public void Of_RowWithGaps_IsPredicted(string given, string written, string? assumed)
    {
        Assert.Contains(given, Mpt);

        var row = Assert.Single(Validate(Mpt.Replace(given, written)).Rows);

        Assert.Null(row.Reason);
        Assert.InRange(row.PredictedTokensPerSPerGpu!.Value, 10811 / 1.5, 10811 * 1.5);
        Assert.InRange(row.PredictedPeakMemGib!.Value, 5, 80);
        if (assumed is not null)
            Assert.Contains(row.Assumed, one => one.StartsWith(assumed, StringComparison.Ordinal));
    }

    [Fact]
    public void Of_RecalledRow_IsPredictedAndNotScored()
    {
        var report = Validate(Mpt.Replace("HFU 62.11%", "recalled"));

        Assert.NotNull(report.Rows[0].PredictedTokensPerSPerGpu);
        Assert.Equal(0, report.Overall.Time.Count);
        Assert.Null(report.Overall.Time.MedianError);
    }

    [Fact]
    public void Of_ReservedBytes_CountForTheirSourceButNotOverall()
    {
        var report = Validate(Titan.Replace("ACTIVE", "RESERVED"));

        Assert.Equal(0, report.Overall.Memory.Count);
        Assert.Equal(1, report.BySource["titan-pr165"].Memory.Count);
    }

    [Fact]
    public void ToJson_HasTheContractsKeys()
    {
        using var json = System.Text.Json.JsonDocument.Parse(Validate(Mpt + Titan).ToJson());

        var row = json.RootElement.GetProperty("rows")[1];
        Assert.Equal("titan-pr165-004", row.GetProperty("id").GetString());
        Assert.True(row.GetProperty("predicted_tokens_per_s_per_gpu").GetDouble() > 0);
        Assert.True(row.GetProperty("predicted_peak_mem_gib").GetDouble() > 0);
        foreach (var summary in new[] { json.RootElement.GetProperty("overall"), json.RootElement.GetProperty("by_source").GetProperty("mpt") })
        {
            foreach (var key in new[] { "count", "median_error", "p90_error", "worst_error", "baseline_median_error" })
                Assert.True(summary.GetProperty("time").TryGetProperty(key, out _), key);
        }
    }

    [Theory]
    [InlineData("", "no header row")]
    [InlineData("a,b\n1,2", "no column 'id'")]
    [InlineData("id,id\n1,2", "two columns are called 'id'")]
    [InlineData("id\n\"1", "does not end")]
    public void Of_TextThatIsNoTable_IsOneLine(string text, string problem) =>
        Assert.Contains(problem, Assert.Throws<ArgumentException>(() => ValidationReport.Of(text, "rows.csv", Calibration.Shipped)).Message);

    // Nearest rank: of ten errors the ninth.
    [Fact]
    public void ErrorSummary_TenErrors_HasTheNinthAsNinetiethPercentile()
    {
        var summary = ErrorSummary.Of(Enumerable.Range(1, 10).Select(i => i / 10.0), null);

        Assert.Equal((10, 0.55, 0.9, 1.0), (summary.Count, summary.MedianError!.Value, summary.P90Error!.Value, summary.WorstError!.Value));
    }
}

using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

// The first program in 16 bits: fp32 masters and moments stay where they are, sharded; what is gathered and computed with is a 16-bit copy.
var precision = args.Length > 0 ? args[0] : "bf16";
var policy = precision switch
{
    "fp32" => MixedPrecisionPolicy.Single,
    "bf16" => MixedPrecisionPolicy.BFloat16,
    "fp16" => MixedPrecisionPolicy.Half,
    _ => null,
};
if (policy is null)
{
    Console.Error.WriteLine($"usage: [fp32 | bf16 | fp16]; '{precision}' is none of these");
    return 2;
}

var text = File.ReadAllBytes("README.md");
const int batch = 4, length = 64;

await World.RunAsync(ranks: 2, rank =>
{
    var model = new Gpt2(new Gpt2Config
    {
        LayerCount = 4,
        HeadCount = 4,
        EmbeddingSize = 128,
        PositionCount = length,
        VocabularySize = 256,
    });
    var scaling = precision == "fp16" ? new LossScalerOptions() : null;          // 5 bits of exponent: small gradients would vanish
    var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3, new ShardingOptions { MixedPrecision = policy, LossScaler = scaling });
    var optimizer = new AdamW(sharded, new AdamWOptions { LearningRate = 1e-3 });
    var random = new Random(rank.Rank);

    for (var i = 0; i < 100; i++)
    {
        var starts = Enumerable.Range(0, batch).Select(_ => random.Next(text.Length - length)).ToArray();
        int[] Tokens(int shift) => [.. starts.SelectMany(start => Enumerable.Range(start + shift, length)).Select(at => (int)text[at])];

        using var step = sharded.BeginStep();
        var scale = sharded.LossScaler?.Scale;
        var loss = model.Loss(rank.Tensors.From<int>(Tokens(0), [batch, length]), rank.Tensors.From<int>(Tokens(1), [batch, length]));
        step.Backward(loss);                                                     // of the loss times the scale
        var norm = sharded.ClipGradientNorm(1.0);                                // of the unscaled gradients
        optimizer.Step();                                                        // moves nothing, on any rank, where one overflowed
        if (!sharded.AcceptGradients(norm.Item()))
            optimizer.TakeBack();
        if (rank.Rank == 0 && i % 10 == 0)
            Console.WriteLine($"step {i}: loss {loss.Item():F3}{(scale is null ? "" : $", scale {scale}")}");
    }

    if (rank.Rank == 0)
        Console.WriteLine($"{precision}: {rank.Tensors.Ledger.PeakBytes / 1e6:F2} MB at the rank's peak");
    return Task.CompletedTask;
});
return 0;

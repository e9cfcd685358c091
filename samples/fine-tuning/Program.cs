using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

// Adapters on a byte-level model of yours, over 2 ranks; its base stays in 4-bit codes, sharded.
if (args is not [var folder, var textFile, var output])
{
    Console.Error.WriteLine("usage: BASE TEXT OUTPUT, such as runs/quickstart/model README.md runs/adapter");
    return 2;
}

var text = File.ReadAllBytes(textFile);
var lora = new LoraOptions { Rank = 8, Alpha = 16, TargetModules = ["c_attn", "c_fc"] };
using var files = HuggingFaceFolder.Open(folder);
var shape = files.Config.ToModelConfig();
var (batch, length) = (4, Math.Min(128, shape.PositionCount));

await World.RunAsync(ranks: 2, rank =>
{
    var model = new Gpt2(shape);
    files.Match(Gpt2Files.Specs(model));
    Lora.Apply(model, lora, new BaseStorage(Format: NetZero.Tensors.BlockFormat.NormalFloat4));   // everything but the adapters is fixed now
    var values = new QuantizedValues(new AdaptedValues(new HuggingFaceSource(files), new InitialValues(Seed: 1)));
    var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3, new ShardingOptions { Source = values });
    var optimizer = new AdamW(sharded, new AdamWOptions { LearningRate = 5e-3 });                 // moments of the adapters alone
    var random = new Random(rank.Rank);

    for (var i = 0; i < 50; i++)
    {
        var starts = Enumerable.Range(0, batch).Select(_ => random.Next(text.Length - length)).ToArray();
        int[] Tokens(int shift) => [.. starts.SelectMany(start => Enumerable.Range(start + shift, length)).Select(at => (int)text[at])];

        using var step = sharded.BeginStep();
        var loss = model.Loss(rank.Tensors.From<int>(Tokens(0), [batch, length]), rank.Tensors.From<int>(Tokens(1), [batch, length]));
        loss.Backward();
        optimizer.Step();
        if (rank.Rank == 0 && i % 10 == 0)
            Console.WriteLine($"step {i}: loss {loss.Item():F3}");
    }

    AdapterFolderWriter.Save(sharded, lora, baseModel: folder, folder: output);                   // PEFT's layout: a few kilobytes
    return Task.CompletedTask;
});
return 0;

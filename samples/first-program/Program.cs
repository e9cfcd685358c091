using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;

var text = File.ReadAllBytes("README.md");
const int batch = 4, length = 64;

await World.RunAsync(ranks: 4, rank =>
{
    var model = new Gpt2(new Gpt2Config { LayerCount = 4, HeadCount = 4, EmbeddingSize = 128, PositionCount = length, VocabularySize = 256 });
    var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);         // until here the model had no memory
    var optimizer = new AdamW(sharded, new AdamWOptions { LearningRate = 1e-3 });
    var random = new Random(rank.Rank);                                        // each rank takes samples of its own

    for (var i = 0; i < 100; i++)
    {
        var starts = Enumerable.Range(0, batch).Select(_ => random.Next(text.Length - length)).ToArray();
        int[] Tokens(int shift) => [.. starts.SelectMany(start => Enumerable.Range(start + shift, length)).Select(at => (int)text[at])];

        using var step = sharded.BeginStep();
        var loss = model.Loss(rank.Tensors.From<int>(Tokens(0), [batch, length]), rank.Tensors.From<int>(Tokens(1), [batch, length]));
        loss.Backward();
        sharded.ClipGradientNorm(1.0);
        optimizer.Step();
        if (rank.Rank == 0 && i % 10 == 0)
            Console.WriteLine($"step {i}: loss {loss.Item():F3}");
    }
    return Task.CompletedTask;
});

using NetZero.Nn;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>A tied embedding whose rows no world divides: every rank's rows are trained.</summary>
public class TiedEmbeddingTests
{
    // Shards are cut at multiples of 256 elements: with 100 columns a cut falls inside a row, and every rank holds some.
    private const int Columns = 100;

    [Theory]
    [InlineData(2, 0)]
    [InlineData(2, 3)]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(3, 3)]
    [InlineData(5, 3)]
    [InlineData(7, 3)]
    [InlineData(8, 2)]
    [InlineData(9, 3)]
    public void TiedEmbedding_OfFourRowsARankAndOne_ChangesInEveryRowAndColumn(int ranks, int stage)
    {
        var vocabulary = (4 * ranks) + 1;
        var config = new Gpt2Config { LayerCount = 2, HeadCount = 4, EmbeddingSize = Columns, PositionCount = 8, VocabularySize = vocabulary };
        var runs = Ranks.Run(ranks, rank =>
        {
            var model = new Gpt2(config);
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage));
            var optimizer = new AdamW(sharded, new AdamWOptions { LearningRate = 1e-2 });
            float[] Embedding()
            {
                float[] values = [];
                sharded.VisitParameters((name, value) => values = name == "wte.weight" ? value.ToArray<float>() : values, everyRank: true);
                return values;
            }

            var before = Embedding();
            var losses = new List<float>();
            for (var i = 0; i < 10; i++)
            {
                // Tokens 0 to 7 alone, so that the other rows are trained through the head only.
                int[] tokens = [.. Enumerable.Range(rank.Rank, 8).Select(t => t % 8)], targets = [.. tokens.Select(t => (t + 1) % 8)];
                using var step = sharded.BeginStep();
                var loss = model.Loss(rank.Tensors.From<int>(tokens, [1, 8]), rank.Tensors.From<int>(targets, [1, 8]));
                losses.Add(loss.Item());
                loss.Backward();
                optimizer.Step();
            }

            Assert.True(losses[^1] < losses[0]);
            return (Before: before, After: Embedding());
        });

        Assert.All(runs, run => Assert.Equal(runs[0].After, run.After));
        Assert.Equal(vocabulary * Columns, runs[0].After.Length);
        for (var i = 0; i < runs[0].After.Length; i++)
            Assert.True(runs[0].After[i] != runs[0].Before[i], $"row {i / Columns}, column {i % Columns} did not change");
    }
}

using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>DeepSpeed's toy of three 3 x 5 weights at world 2, each a unit: activations, losses and gradient shards of three iterations, by hand.</summary>
/// <remarks>
/// y1 = w1 x, y2 = w2 y1, y3 = w3 y2 in each of 15 elements, the loss is the sum of y3, x is 1 on rank 0 and 2 on rank 1: the mean gradients are 1.5 w2 w3, 1.5 w1 w3 and 1.5 w1 w2.
/// From (1, 2, 3) at a rate of 1/4 all of them have few binary digits and are exact.
/// </remarks>
public class ThreeWeightsByHandTests
{
    private const int Elements = 15;

    // Before each iteration the weights, then the gradients.
    private static readonly (float[] Weights, float[] Gradients)[] Iterations =
    [
        ([1, 2, 3], [9, 4.5f, 3]),
        ([-1.25f, 0.875f, 2.25f], [2.953125f, -4.21875f, -1.640625f]),
        ([-1.98828125f, 1.9296875f, 2.66015625f], [7.6999053955078125f, -7.93370819091796875f, -5.755142211914063f]),
    ];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ThreeIterations_HaveTheNumbersComputedByHand_AndPaddingOfZero(int stage) => Ranks.Run(2, rank =>
    {
        var model = new ThreeWeights();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage));
        var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 0.25 });
        var x = rank.Rank + 1f;
        foreach (var (weights, gradients) in Iterations)
        {
            using var step = sharded.BeginStep();
            var loss = model.Loss(rank.Tensors.Full([3, 5], x));
            float[] activations = [weights[0] * x, weights[0] * weights[1] * x, weights[0] * weights[1] * weights[2] * x];
            Assert.Equal(activations, model.Activations);

            // A sum of 15 equal values: 15 roundings at most.
            Assert.Equal(Elements * (double)activations[2], loss.Item(), Elements * Elements * Math.Abs(activations[2]) * Math.Pow(2, -24));
            step.Backward(loss);
            for (var w = 0; w < 3; w++)
            {
                // Slices begin at multiples of 256 elements (DeepSpeed cuts 15 into 8 and 8): rank 0 has all of the weight, rank 1 nothing but padding.
                var unit = Assert.Single(sharded.Units, u => u.Name == $"w{w}");
                Assert.Equal((256, 512), (unit.ShardElements, unit.PaddedElements));
                var shard = sharded.Shards.First(s => s.Name == unit.Name).Gradients.ToArray<float>();
                var whole = stage == 0;
                Assert.Equal(whole ? 512 : 256, shard.Length);
                var own = whole || rank.Rank == 0 ? Elements : 0;
                Assert.All(shard[..own], g => Assert.Equal(gradients[w], g));
                Assert.All(shard[own..], g => Assert.Equal(0, g));
            }

            optimizer.Step();
        }
    });

    private sealed class ThreeWeights : Module
    {
        private readonly Weight[] _weights;

        public ThreeWeights() => _weights = [.. Enumerable.Range(0, 3).Select(i => AddUnit($"w{i}", new Weight(i + 1)))];

        /// <summary>The first element of each unit's output.</summary>
        public float[] Activations { get; private set; } = [];

        public Tensor Loss(Tensor x)
        {
            using var call = Enter(x.Context);
            Activations = new float[3];
            for (var i = 0; i < 3; i++)
            {
                x = _weights[i].Call(x);
                var found = x.ToArray<float>();
                Assert.All(found, value => Assert.Equal(found[0], value));
                Activations[i] = found[0];
            }

            return call.Return(x.Sum());
        }
    }

    private sealed class Weight : Layer
    {
        private readonly Parameter _weight;

        public Weight(int value) => _weight = AddParameter("weight", [3, 5], new Everywhere(value));

        protected override Tensor Forward(Tensor x) => x * _weight.Value;
    }

    private sealed record Everywhere(float Value) : Initializer
    {
        public override void Fill(long seed, string name, long first, Span<float> destination) => destination.Fill(Value);
    }
}

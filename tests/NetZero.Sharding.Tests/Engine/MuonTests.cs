using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Muon over shards against its formulas in double precision, and who computes what.</summary>
public class MuonTests
{
    private const int Steps = 3;
    private const double Rate = 0.02;
    private const double Decay = 0.1;
    private const double Momentum = 0.95;

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    public void EachStep_IsThatOfTheFormulas_FromTheGradientsThatThereWere(int ranks, int stage) => Ranks.Run(ranks, rank =>
    {
        var module = FullyShard.Apply(new ToyModel(2), rank, ShardingPolicy.ForStage(stage), new ShardingOptions());
        var muon = new Muon(module, new MuonOptions { LearningRate = Rate, WeightDecay = Decay, Momentum = Momentum, AdamWParameters = ["head.**"] });
        var momentum = new Dictionary<string, double[]>();
        for (var t = 0; t < Steps; t++)
        {
            var expected = new Dictionary<string, double[]>();
            using (var step = module.BeginStep())
            {
                step.Backward(Loss(module, rank));
                foreach (var name in Matrices)
                {
                    double[] values, g;
                    int rows, columns;
                    using (var held = module.GatherParameter(name))
                        (rows, columns, values) = ((int)held.Value.Shape[0], (int)held.Value.Shape[1], Array.ConvertAll(held.Value.ToArray<float>(), v => (double)v));
                    using (var held = module.GatherGradient(name))
                        g = Array.ConvertAll(held.Value.ToArray<float>(), v => (double)v);
                    var b = momentum[name] = [.. (momentum.GetValueOrDefault(name) ?? new double[g.Length]).Zip(g, (b, g) => b + ((1 - Momentum) * (g - b)))];
                    var direction = NewtonSchulz([.. g.Zip(b, (g, b) => g + (Momentum * (b - g)))], rows, columns);
                    expected[name] = [.. values.Zip(direction, (p, o) => (p * (1 - (Rate * Decay))) - (Rate * 0.2 * Math.Sqrt(Math.Max(rows, columns)) * o))];
                }

                muon.Step();
            }

            // A step of the polynomial enlarges a small singular value, and its rounding, 3.4445-fold; products of rows of up to 17 elements round as often.
            var bound = Rate * 0.2 * Math.Sqrt(17) * Math.Pow(3.4445, 5) * 17 * Math.Pow(2, -24);
            foreach (var (name, values) in expected)
            {
                using var held = module.GatherParameter(name);
                var found = held.Value.ToArray<float>();
                for (var i = 0; i < values.Length; i++)
                    Assert.Equal(values[i], found[i], bound);
            }
        }
    });

    [Fact]
    public void PatternThatFitsNothing_IsRefused() => Ranks.Run(1, rank =>
    {
        var module = FullyShard.Apply(new ToyModel(1), rank, ShardingPolicy.DataParallel, new ShardingOptions());
        var error = Assert.Throws<ArgumentException>(() => new Muon(module, new MuonOptions { AdamWParameters = ["wte.*"] }));
        Assert.Contains("the pattern 'wte.*' fits no parameter; parameters are named 'head.weight'", error.Message, StringComparison.Ordinal);
    });

    private static string[] Matrices { get; } = ["blocks.0.up.weight", "blocks.0.down.weight", "blocks.1.up.weight", "blocks.1.down.weight"];

    private static Tensors.Tensor Loss(ShardedModule module, RankContext rank)
    {
        const int rows = 20;
        var toy = (ToyModel)module.Module;
        var x = rank.Tensors.From<float>([.. Enumerable.Range(0, rows * toy.Features).Select(i => MathF.Sin(1 + (i * i) + (100 * rank.Rank)))], [rows, toy.Features]);
        return toy.Loss(x, rank.Tensors.From<int>([.. Enumerable.Range(0, rows).Select(i => i % toy.Classes)], [rows]));
    }

    private static double[] NewtonSchulz(double[] m, int rows, int columns)
    {
        var norm = Math.Sqrt(m.Sum(v => v * v)) + 1e-7;
        var x = rows > columns ? Transpose(m, rows, columns) : m;
        var (r, c) = (Math.Min(rows, columns), Math.Max(rows, columns));
        x = [.. x.Select(v => v / norm)];
        for (var step = 0; step < 5; step++)
        {
            var a = Product(x, Transpose(x, r, c), r, c, r);
            var polynomial = a.Zip(Product(a, a, r, r, r), (a, aa) => (-4.7750 * a) + (2.0315 * aa)).ToArray();
            x = [.. x.Zip(Product(polynomial, x, r, r, c), (x, p) => (3.4445 * x) + p)];
        }

        return rows > columns ? Transpose(x, r, c) : x;
    }

    private static double[] Transpose(double[] m, int rows, int columns) => [.. Enumerable.Range(0, m.Length).Select(i => m[(i % rows * columns) + (i / rows)])];

    private static double[] Product(double[] a, double[] b, int m, int k, int n) =>
        [.. Enumerable.Range(0, m * n).Select(i => Enumerable.Range(0, k).Sum(p => a[(i / n * k) + p] * b[(p * n) + (i % n)]))];
}

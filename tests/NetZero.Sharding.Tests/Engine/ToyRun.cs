using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>A classifier that a <see cref="ToyRun"/> trains: [rows, features] to a loss.</summary>
internal interface IToy
{
    int Features { get; }

    int Classes { get; }

    Tensor Loss(Tensor x, Tensor targets);
}

/// <summary>Two linears in the shapes of FSDP2's test of uneven sharding; all of it is the root unit.</summary>
internal sealed class UnevenLinears : Module, IToy
{
    private readonly Linear _up;
    private readonly Linear _down;

    public UnevenLinears(int features, int hidden, int classes)
    {
        (Features, Classes) = (features, classes);
        _up = AddChild("up", new Linear(features, hidden));
        _down = AddChild("down", new Linear(hidden, classes));
    }

    public int Features { get; }

    public int Classes { get; }

    public Tensor Loss(Tensor x, Tensor targets)
    {
        using var call = Enter(x.Context);
        return call.Return(_down.Call(_up.Call(x).Gelu()).CrossEntropy(targets));
    }
}

/// <summary>Trains a toy over ranks as threads: the rows of a global batch are dealt out in order.</summary>
internal sealed record ToyRun
{
    public required Func<Module> Model { get; init; }

    public int Ranks { get; init; } = 1;

    public ShardingPolicy Policy { get; init; } = ShardingPolicy.DataParallel;

    public int Steps { get; init; } = 10;

    /// <summary>Rows of the global batch; a multiple of ranks times accumulation steps.</summary>
    public int GlobalRows { get; init; }

    public int AccumulationSteps { get; init; } = 1;

    public double Clip { get; init; }

    public IParameterSource? Source { get; init; }

    public Func<IFlatParameters, Optimizer> Optimizer { get; init; } = parameters => new Sgd(parameters, new SgdOptions { LearningRate = 0.05 });

    public Func<RankContext, IScheduleObserver?>? Observe { get; init; }

    /// <summary>Told at the end of each step, on each rank.</summary>
    public Action<RankContext, int>? AfterStep { get; init; }

    public Outcome Run()
    {
        var ranks = Testing.Ranks.Run(Ranks, RunRank);
        var losses = Enumerable.Range(0, Steps).Select(step => ranks.Average(rank => rank.Losses[step])).ToArray();
        return new Outcome(losses, ranks[0].Norms, ranks[0].Before, [.. ranks.Select(rank => rank.After)]);
    }

    private RankOutcome RunRank(RankContext rank)
    {
        var model = Model();
        var sharded = FullyShard.Apply(model, rank, Policy, new ShardingOptions { GradientAccumulationSteps = AccumulationSteps, Source = Source });
        sharded.Observer = Observe?.Invoke(rank);
        var optimizer = Optimizer(sharded);
        var before = Weights(sharded);
        var (losses, norms) = (new double[Steps], new double[Steps]);
        for (var step = 0; step < Steps; step++)
        {
            using (var open = sharded.BeginStep())
            {
                for (var micro = 0; micro < AccumulationSteps; micro++)
                {
                    using var scope = open.BeginMicroBatch();
                    var loss = Loss((IToy)model, rank, step, micro);
                    losses[step] += loss.Item() / (double)AccumulationSteps;
                    open.Backward(loss);
                }

                norms[step] = Clip > 0 ? sharded.ClipGradientNorm(Clip) : sharded.GradientNorm();
                optimizer.Step();
            }

            AfterStep?.Invoke(rank, step);
        }

        return new RankOutcome(losses, norms, before, Weights(sharded));
    }

    private Tensor Loss(IToy toy, RankContext rank, int step, int micro)
    {
        var rows = GlobalRows / Ranks / AccumulationSteps;
        var first = ((rank.Rank * AccumulationSteps) + micro) * rows;
        var x = Enumerable.Range(first * toy.Features, rows * toy.Features).Select(i => Input(step, i)).ToArray();
        var targets = Enumerable.Range(first, rows).Select(row => (row + step) % toy.Classes).ToArray();
        return toy.Loss(rank.Tensors.From<float>(x, [rows, toy.Features]), rank.Tensors.From<int>(targets, [rows]));
    }

    // In [-1, 1): any spread-out function of step and index will do.
    private static float Input(int step, int i) => (((((step * 7919) + i) * 40503) & 0xFFFF) / 32768f) - 1;

    private static Dictionary<string, float[]> Weights(ShardedModule module)
    {
        var weights = new Dictionary<string, float[]>();
        module.VisitParameters((name, value) => weights[name] = value.ToArray<float>(), everyRank: true);
        return weights;
    }

    private sealed record RankOutcome(double[] Losses, double[] Norms, Dictionary<string, float[]> Before, Dictionary<string, float[]> After);

    /// <summary>What a run left: losses of the global batch, and weights as each rank sees them.</summary>
    public sealed record Outcome(double[] Losses, double[] Norms, Dictionary<string, float[]> Before, Dictionary<string, float[]>[] After)
    {
        public int ParameterCount => Before.Values.Sum(values => values.Length);

        public void AssertSameBits(Outcome other)
        {
            Assert.Equal(Losses, other.Losses);
            Assert.Equal(Norms, other.Norms);
            foreach (var (name, values) in After[0])
                Assert.Equal(values, other.After[0][name]);
        }
    }
}

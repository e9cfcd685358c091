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

    /// <summary>Told each rank's model before it is sharded.</summary>
    public Action<Module, RankContext>? Prepare { get; init; }

    public int Ranks { get; init; } = 1;

    public ShardingPolicy Policy { get; init; } = ShardingPolicy.DataParallel;

    public int Steps { get; init; } = 10;

    /// <summary>Rows of the global batch; a multiple of ranks times accumulation steps.</summary>
    public int GlobalRows { get; init; }

    public int AccumulationSteps { get; init; } = 1;

    public ActivationCheckpointing? ActivationCheckpointing { get; init; }

    public IReadOnlyList<string> Frozen { get; init; } = [];

    public double Clip { get; init; }

    public double ClipValue { get; init; }

    public NormKind Norm { get; init; }

    public IParameterSource? Source { get; init; }

    public MixedPrecisionPolicy Precision { get; init; } = MixedPrecisionPolicy.Single;

    public LossScalerOptions? LossScaler { get; init; }

    /// <summary>What the loss of a step is multiplied with on a rank: infinity makes it overflow.</summary>
    public Func<int, int, float>? LossFactor { get; init; }

    public Func<IFlatParameters, Optimizer> Optimizer { get; init; } = parameters => new Sgd(parameters, new SgdOptions { LearningRate = 0.05 });

    public Func<RankContext, IScheduleObserver?>? Observe { get; init; }

    /// <summary>Told at the end of each step, on each rank.</summary>
    public Action<RankContext, int>? AfterStep { get; init; }

    /// <summary>Whether all calls are kept for the outcome, and not the latest only.</summary>
    public bool RecordsAllCalls { get; init; }

    public Device Device { get; init; } = Device.Cpu;

    /// <summary>Whether ranks exchange through shared memory, as processes do, and not as threads.</summary>
    public bool OverSharedMemory { get; init; }

    public Outcome Run()
    {
        var options = Testing.Ranks.Options with { Tensors = new TensorContextOptions { Device = Device } };
        var ranks = new RankOutcome[Ranks];
        Action<RankContext> program = rank => ranks[rank.Rank] = RunRank(rank);
        if (OverSharedMemory)
            Testing.SharedRanks.Run(Ranks, program, options);
        else
            Testing.Ranks.Run(Ranks, program, options);
        var losses = Enumerable.Range(0, Steps).Select(step => ranks.Average(rank => rank.Losses[step])).ToArray();
        return new Outcome(losses, ranks[0].Norms, ranks[0].Before, [.. ranks.Select(rank => rank.After)]) { Traces = [.. ranks.Select(rank => rank.Trace)] };
    }

    /// <summary>What one rank of the run does, on Meta and alone: nothing is computed.</summary>
    public Trace Plan(int rank)
    {
        using var tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        return RunRank(new RankContext(new FakeProcessGroup(rank, Ranks), tensors)).Trace;
    }

    private RankOutcome RunRank(RankContext rank)
    {
        var model = Model();
        Prepare?.Invoke(model, rank);
        var sharded = FullyShard.Apply(model, rank, Policy, new ShardingOptions { GradientAccumulationSteps = AccumulationSteps, Source = Source, ActivationCheckpointing = ActivationCheckpointing, Frozen = Frozen, MixedPrecision = Precision, LossScaler = LossScaler });
        sharded.Observer = Observe?.Invoke(rank);
        var optimizer = Optimizer(sharded);
        var before = Weights(sharded);
        rank.Group.Recorder.Clear();
        if (RecordsAllCalls)
            rank.Group.Recorder.Capacity = int.MaxValue;
        var (losses, norms) = (new double[Steps], new double[Steps]);
        for (var step = 0; step < Steps; step++)
        {
            using (var open = sharded.BeginStep())
            {
                for (var micro = 0; micro < AccumulationSteps; micro++)
                {
                    using var scope = open.BeginMicroBatch();
                    var loss = Loss((IToy)model, rank, step, micro);
                    if (rank.Tensors.Device.HasMemory)
                        losses[step] += loss.Item() / (double)AccumulationSteps;
                    open.Backward(LossFactor is null ? loss : loss * LossFactor(rank.Rank, step));
                }

                if (ClipValue > 0)
                    sharded.ClipGradientValue(ClipValue);
                var norm = Clip > 0 ? sharded.ClipGradientNorm(Clip, Norm) : sharded.GradientNorm(Norm);
                optimizer.Step();
                norms[step] = norm.Item();
                if (!sharded.AcceptGradients(norms[step]))
                    optimizer.TakeBack();
            }

            AfterStep?.Invoke(rank, step);
        }

        var recorder = rank.Group.Recorder;
        var ledger = rank.Tensors.Ledger;
        var trace = new Trace(ledger.PeakSnapshot(), ledger.PeakBytes, ledger.Snapshot(), recorder.TotalWireBytes, [.. recorder.Calls], sharded);
        return new RankOutcome(losses, norms, before, Weights(sharded), trace);
    }

    private Tensor Loss(IToy toy, RankContext rank, int step, int micro)
    {
        var rows = GlobalRows / Ranks / AccumulationSteps;
        var first = ((rank.Rank * AccumulationSteps) + micro) * rows;
        var x = Enumerable.Range(first * toy.Features, rows * toy.Features).Select(i => Input(step, i)).ToArray();
        var targets = Enumerable.Range(first, rows).Select(row => (row + step) % toy.Classes).ToArray();
        return toy.Loss(rank.Tensors.From<float>(x, [rows, toy.Features]).Cast(Precision.ParameterDType), rank.Tensors.From<int>(targets, [rows]));
    }

    // In [-1, 1): any spread-out function of step and index will do.
    private static float Input(int step, int i) => (((((step * 7919) + i) * 40503) & 0xFFFF) / 32768f) - 1;

    private static Dictionary<string, float[]> Weights(ShardedModule module)
    {
        var weights = new Dictionary<string, float[]>();
        module.VisitParameters((name, value) => weights[name] = module.Tensors.Device.HasMemory ? value.ToArray<float>() : [], everyRank: true);
        return weights;
    }

    private sealed record RankOutcome(double[] Losses, double[] Norms, Dictionary<string, float[]> Before, Dictionary<string, float[]> After, Trace Trace);

    /// <summary>What one rank held and called: peaks by kind and in all, what is left after the last step, and the collectives of all steps.</summary>
    public sealed record Trace(long[] PeakBytes, long TotalPeakBytes, long[] LeftBytes, long WireBytes, RecordedCall[] Calls, ShardedModule Module)
    {
        public void AssertHasTheBytesOf(Trace planned)
        {
            Assert.Equal(planned.PeakBytes, PeakBytes);
            Assert.Equal(planned.TotalPeakBytes, TotalPeakBytes);
            Assert.Equal(planned.LeftBytes, LeftBytes);
        }
    }

    /// <summary>What a run left: losses of the global batch, and weights as each rank sees them.</summary>
    public sealed record Outcome(double[] Losses, double[] Norms, Dictionary<string, float[]> Before, Dictionary<string, float[]>[] After)
    {
        public required Trace[] Traces { get; init; }

        public int ParameterCount => Before.Values.Sum(values => values.Length);

        public void AssertSameBits(Outcome other)
        {
            Assert.Equal(Norms, other.Norms);
            AssertSameTraining(other);
        }

        /// <summary>Losses and every rank's weights agree bit for bit; norms, which are summed slice by slice, may not, where the slices differ.</summary>
        public void AssertSameTraining(Outcome other)
        {
            Assert.Equal(Losses, other.Losses);
            var expected = other.After[0];
            foreach (var weights in After.Concat(other.After))
            {
                Assert.Equal(expected.Keys, weights.Keys);
                foreach (var (name, values) in weights)
                    Assert.Equal(expected[name], values);
            }
        }
    }
}

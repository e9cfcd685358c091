using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Ranks that run out of samples at different steps: nothing hangs, and every target counts the same.</summary>
public class UnevenInputsTests
{
    private const int Rows = 4, Accumulation = 2;

    public static TheoryData<int, int, UnevenInputs> Worlds
    {
        get
        {
            var data = new TheoryData<int, int, UnevenInputs>();
            foreach (var ranks in (int[])[1, 2, 3, 5, 7, 8, 9])
                for (var stage = 0; stage <= 3; stage++)
                    foreach (var mode in Enum.GetValues<UnevenInputs>())
                        data.Add(ranks, stage, mode);
            return data;
        }
    }

    // Rank r has 5 - r micro-batches of 4 rows but for its last, which has 1 + r % 4 of them; ranks from 5 on have none at all.
    [Theory]
    [MemberData(nameof(Worlds))]
    public void RanksRunOutApart_AllEndTogether_WithTheMeanOverAllTargets(int ranks, int stage, UnevenInputs mode)
    {
        var found = Run(ranks, stage, mode);
        var expectedSteps = Enumerable.Range(0, 9).TakeWhile(step =>
        {
            var has = Enumerable.Range(0, ranks).Select(rank => Targets(rank, step) > 0).ToList();
            return mode == UnevenInputs.Stop ? !has.Contains(false) : has.Contains(true);
        }).Count();
        Assert.All(found, rank => Assert.Equal(expectedSteps, rank.Losses.Count));

        // One rank that sees all rows of a step at once. Its gradient is another order of sums over at most 40 rows, so it is off by less than 40 roundings of terms below 1 a step, which
        // the rate of 0.05 shrinks; weights below 1 round once a step. Losses are below 2: 40 roundings of those.
        var alone = Alone(ranks, expectedSteps);
        foreach (var rank in found)
        {
            Assert.Equal(alone.Losses, rank.Losses, (a, b) => Math.Abs(a - b) < 40 * 2 * Math.Pow(2, -24));
            foreach (var (name, values) in alone.Weights)
                for (var i = 0; i < values.Length; i++)
                    Assert.Equal(values[i], rank.Weights[name][i], expectedSteps * 4 * Math.Pow(2, -24));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void SkippingAndPadding_HaveTheSameBits_AtEveryStage(int ranks)
    {
        var reference = Run(ranks, 0, UnevenInputs.Pad)[0];
        for (var stage = 0; stage <= 3; stage++)
            foreach (var mode in (UnevenInputs[])[UnevenInputs.Pad, UnevenInputs.Skip])
                foreach (var rank in Run(ranks, stage, mode))
                {
                    Assert.Equal(reference.Losses, rank.Losses);
                    foreach (var (name, values) in reference.Weights)
                        Assert.Equal(values, rank.Weights[name]);
                }
    }

    [Fact]
    public void FullSteps_WeighAsTheyDoWithoutAnAgreement()
    {
        for (var ranks = 1; ranks <= 9; ranks++)
            for (var accumulation = 1; accumulation <= 9; accumulation++)
                for (var targets = 1; targets <= 5; targets++)
                    Assert.Equal(1f / accumulation, (float)new StepAgreement(true, (long)ranks * accumulation * targets, ranks).Weight(targets));
    }

    [Fact]
    public void Skip_MakesTheCollectivesOfTheSchedule_AndComputesNothing()
    {
        Ranks.Run(2, rank =>
        {
            var sharded = FullyShard.Apply(new ToyModel(), rank, ShardingPolicy.Zero3, new ShardingOptions { ActivationCheckpointing = new() });
            var optimizer = new AdamW(sharded);
            rank.Group.Recorder.Clear();
            using var step = sharded.BeginStep();
            step.SkipMicroBatch();
            Assert.Equal(0, sharded.GradientNorm().Item());
            Assert.Equal(0, rank.Tensors.Ledger.Live(MemoryKind.Activation));
            Assert.Contains("SkipMicroBatch() where the schedule declares Update", Assert.Throws<InvalidOperationException>(step.SkipMicroBatch).Message, StringComparison.Ordinal);
            optimizer.Step();
            Assert.Equal(
                sharded.TrainingSchedule.Collectives().Select(c => (c.Operation, c.Label)),
                rank.Group.Recorder.Calls.Where(c => c.Operation != CollectiveOperation.AllReduceScalars).Select(c => (c.Operation, c.Unit)));
        });
    }

    private static long TargetsOf(int rank, int microBatch) => (5 - rank).CompareTo(microBatch + 1) switch { > 0 => Rows, 0 => 1 + (rank % Rows), _ => 0 };

    private static long Targets(int rank, int step) => Enumerable.Range(0, Accumulation).Sum(micro => TargetsOf(rank, (step * Accumulation) + micro));

    private static (List<double> Losses, Dictionary<string, float[]> Weights)[] Run(int ranks, int stage, UnevenInputs mode) => Ranks.Run(ranks, rank =>
    {
        var model = new ToyModel();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), new ShardingOptions { GradientAccumulationSteps = Accumulation });
        var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 0.05 });
        var losses = new List<double>();
        for (var step = 0; sharded.Agree(Targets(rank.Rank, step), mode) is { Takes: true } agreed; step++)
        {
            using var open = sharded.BeginStep();
            Span<double> loss = [0];
            for (var micro = 0; micro < Accumulation; micro++)
            {
                using var scope = open.BeginMicroBatch();
                var rows = TargetsOf(rank.Rank, (step * Accumulation) + micro);
                if (rows == 0 && mode == UnevenInputs.Skip)
                {
                    open.SkipMicroBatch();
                    continue;
                }

                // A padded micro-batch computes on some row, which counts nothing.
                var computed = (int)Math.Max(rows, 1);
                var value = model.Loss(
                    rank.Tensors.From<float>(Inputs(rank.Rank, step, micro, computed), [computed, 15]), rank.Tensors.From<int>(Classes(rank.Rank, step, micro, computed), [computed]));
                loss[0] += value.Item() * agreed.Weight(rows);
                open.Backward(value, agreed.Weight(rows));
            }

            optimizer.Step();
            rank.Group.AllReduce("loss", loss, ReduceOp.Average);
            losses.Add(loss[0]);
        }

        return (losses, Weights(sharded));
    });

    private static (List<double> Losses, Dictionary<string, float[]> Weights) Alone(int ranks, int steps) => Ranks.Run(1, rank =>
    {
        var model = new ToyModel();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.DataParallel);
        var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 0.05 });
        var losses = new List<double>();
        for (var step = 0; step < steps; step++)
        {
            var parts =
                from r in Enumerable.Range(0, ranks)
                from micro in Enumerable.Range(0, Accumulation)
                let rows = (int)TargetsOf(r, (step * Accumulation) + micro)
                select (X: Inputs(r, step, micro, rows), Y: Classes(r, step, micro, rows));
            var (x, y) = (parts.SelectMany(p => p.X).ToArray(), parts.SelectMany(p => p.Y).ToArray());
            using var open = sharded.BeginStep();
            var loss = model.Loss(rank.Tensors.From<float>(x, [y.Length, 15]), rank.Tensors.From<int>(y, [y.Length]));
            losses.Add(loss.Item());
            open.Backward(loss);
            optimizer.Step();
        }

        return (losses, Weights(sharded));
    })[0];

    // Each row is its own, wherever it is computed.
    private static float[] Inputs(int rank, int step, int micro, int rows) =>
        [.. Enumerable.Range(0, rows * 15).Select(i => MathF.Sin((((rank * 31) + step) * 17) + (micro * 7) + (i * 1.3f)))];

    private static int[] Classes(int rank, int step, int micro, int rows) => [.. Enumerable.Range(0, rows).Select(row => (rank + step + micro + row) % 3)];

    private static Dictionary<string, float[]> Weights(ShardedModule module)
    {
        var weights = new Dictionary<string, float[]>();
        module.VisitParameters((name, value) => weights[name] = value.ToArray<float>(), everyRank: true);
        return weights;
    }
}

using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Mistakes with a sharded model are named, and nothing hangs.</summary>
public class EngineErrorTests
{
    private static (Tensor X, Tensor Targets) Batch(RankContext rank) =>
        (rank.Tensors.Full([4, 15], 0.5f), rank.Tensors.From<int>([0, 1, 2, 0], [4]));

    private static Tensor Loss(ToyModel model, RankContext rank)
    {
        var (x, targets) = Batch(rank);
        return model.Loss(x, targets);
    }

    [Fact]
    public void Parameter_TouchedWhileReleased_SaysWhereItIsThere()
    {
        Ranks.Run(2, rank =>
        {
            var model = new ToyModel();
            FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
            var error = Assert.Throws<TensorFreedException>(() => model.Blocks[1].Up.Weight.Value.ToArray<float>());
            Assert.Equal(
                "Parameter 'blocks.1.up.weight' is not there: parameters of unit 'blocks.1' are released outside of its forward and backward (stage 3). "
                + "Use it inside the module that owns it, or hold it with ShardedModule.GatherParameter(\"blocks.1.up.weight\"); this rank's part is there as OwnShard(\"blocks.1.up.weight\").",
                error.Message);
        });
    }

    [Fact]
    public void Units_RunInAnotherOrder_NameTheUnitAndWhatWasDeclared()
    {
        Ranks.Run(2, rank =>
        {
            var model = new ToyModel { Order = [1, 0] };
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
            using var step = sharded.BeginStep();
            var error = Assert.Throws<InvalidOperationException>(() => Loss(model, rank));
            Assert.StartsWith(
                "The program reached Forward of unit 'blocks.1' where the schedule declares Forward of unit 'blocks.0'", error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Units_OneLeftOut_NamesTheOneDeclared()
    {
        Ranks.Run(1, rank =>
        {
            var model = new ToyModel { Order = [0] };
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
            using var step = sharded.BeginStep();
            var error = Assert.Throws<InvalidOperationException>(() => Loss(model, rank));
            Assert.Contains("reached ForwardEnd of unit 'root' where the schedule declares Forward of unit 'blocks.1'", error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Model_RunOutsideAStep_SaysWhichCallIsMissing()
    {
        Ranks.Run(1, rank =>
        {
            var model = new ToyModel();
            FullyShard.Apply(model, rank, ShardingPolicy.Zero2);
            Assert.Contains("BeginStep()", Assert.Throws<InvalidOperationException>(() => Loss(model, rank)).Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Optimizer_BeforeBackward_SaysWhatIsMissing()
    {
        Ranks.Run(2, rank =>
        {
            var model = new ToyModel();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero2);
            var optimizer = new AdamW(sharded);
            using var step = sharded.BeginStep();
            Loss(model, rank);
            Assert.Contains("run every micro-batch forward and backward first", Assert.Throws<InvalidOperationException>(optimizer.Step).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => sharded.ClipGradientNorm(1));
        });
    }

    [Fact]
    public void Parameters_SharedByTwoUnits_AreRefusedByName()
    {
        Ranks.Run(1, rank =>
        {
            var error = Assert.Throws<ArgumentException>(() => FullyShard.Apply(new SharingModel(), rank, ShardingPolicy.Zero3));
            Assert.Equal("Parameter 'b.inner.weight' is shared by the units 'a' and 'b'; a shared parameter must lie in one unit. Register it on their parent.", error.Message);
        });
    }

    [Fact]
    public void AStepGivenUp_LeavesNothing_AndTheNextOneWorks()
    {
        Ranks.Run(1, rank =>
        {
            var model = new ToyModel();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
            var before = rank.Tensors.Ledger.LiveBytes;
            using (sharded.BeginStep())
                Loss(model, rank);
            Assert.Equal(before, rank.Tensors.Ledger.LiveBytes);
            using var step = sharded.BeginStep();
            Loss(model, rank).Backward();
            Assert.True(sharded.GradientNorm().Item() > 0);
        });
    }

    private sealed class SharingModel : Module
    {
        public SharingModel()
        {
            var shared = new Linear(2, 2);
            AddUnit("a", new Holder(shared));
            AddUnit("b", new Holder(shared));
        }

        private sealed class Holder : Module
        {
            public Holder(Linear inner) => AddChild("inner", inner);
        }
    }
}

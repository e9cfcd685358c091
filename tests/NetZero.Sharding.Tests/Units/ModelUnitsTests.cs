using NetZero.Nn;

namespace NetZero.Sharding.Tests.Units;

/// <summary>How a model is cut: which module is a unit, and in which flat unit each parameter lies.</summary>
public class ModelUnitsTests
{
    [Fact]
    public void DeclaredBlocks_AreUnits_AndTheRootHasTheRest() => Assert.Equal(
        ["root: embedding.weight head.weight head.bias", "h.0: up.weight up.bias down.weight down.bias", "h.1: up.weight up.bias down.weight down.bias"],
        Cut(new Model(2), new ShardingPolicy()));

    [Fact]
    public void Patterns_ReplaceTheDeclaration() => Assert.Equal(
        [
            "root: embedding.weight h.0.down.weight h.0.down.bias h.1.down.weight h.1.down.bias", "h.0.up: weight bias", "h.1.up: weight bias", "head: weight bias",
        ],
        Cut(new Model(2), new ShardingPolicy { Units = ["h.*.up", "head"] }));

    [Fact]
    public void SmallUnits_JoinTheRoot() =>
        Assert.Equal(["embedding.weight", "h.0.up.weight"], Cut(new Model(2), new ShardingPolicy { MinimumUnitElements = 1000 }).Single()[6..].Split(' ').Take(2));

    [Fact]
    public void IgnoredParameters_LieInAUnitOfTheirOwn_OfStage0()
    {
        var units = ModelUnits.Of(new Model(1), new ShardingPolicy { Ignored = ["**.bias"] }, 2).Units;
        Assert.Equal(
            ["root 3: embedding.weight head.weight", "root (replicated) 0: head.bias", "h.0 3: h.0.up.weight h.0.down.weight", "h.0 (replicated) 0: h.0.up.bias h.0.down.bias"],
            units.Select(u => $"{u.Layout.Name} {u.Policy.Stage}: {string.Join(' ', u.Layout.Placements.Select(p => p.Name))}"));
    }

    [Fact]
    public void Overrides_ApplyToTheUnitsThatTheyName_AndTheLastWins()
    {
        var policy = new ShardingPolicy
        {
            Overrides =
            [
                new UnitOverride("h.*") { Stage = 2 }, new UnitOverride("h.1") { Stage = 1 },
                new UnitOverride("root") { ReshardAfterForward = ReshardAfterForward.Yes },
            ],
        };
        var units = ModelUnits.Of(new Model(3), policy, 2).Units;
        Assert.Equal([3, 2, 1, 2], units.Select(u => u.Policy.Stage));
        Assert.False(units[0].Policy.ReshardAfterForward.Keeps);
        Assert.True(ModelUnits.Of(new Model(3), new ShardingPolicy(), 2).Units[0].Policy.ReshardAfterForward.Keeps);
    }

    [Fact]
    public void ParameterOfABlock_ThatTheRootUsesToo_IsTheRoots()
    {
        var model = new Tied();
        Assert.Equal(["root: block.table.weight", "block: other.weight other.bias"], Cut(model, new ShardingPolicy()));
    }

    [Fact]
    public void ModuleRegisteredSeveralTimes_IsOneUnit_WithAVisitForEach()
    {
        var units = ModelUnits.Of(new Shared(3), new ShardingPolicy(), 2);
        Assert.Equal(["root", "first"], units.Blocks.Select(b => b.Name));
        Assert.Equal([1, 1, 1], units.Visits);
    }

    // A line for each unit; parameters without the name of their block.
    private static string[] Cut(Module model, ShardingPolicy policy) =>
    [
        .. ModelUnits.Of(model, policy, 2).Units.Select(u => u.Layout).Select(layout => $"{layout.Name}: {string.Join(
            ' ', layout.Placements.Select(p => p.Name.StartsWith(layout.Name + ".", StringComparison.Ordinal) ? p.Name[(layout.Name.Length + 1)..] : p.Name))}"),
    ];

    private sealed class Model : Module
    {
        public Model(int blocks)
        {
            AddChild("embedding", new Embedding(8, 4, Initializer.Zeros));
            for (var i = 0; i < blocks; i++)
                AddUnit($"h.{i}", new Block());
            AddChild("head", new Linear(4, 8));
        }

        private sealed class Block : Module
        {
            public Block()
            {
                AddChild("up", new Linear(4, 8));
                AddChild("down", new Linear(8, 4));
            }
        }
    }

    private sealed class Tied : Module
    {
        public Tied()
        {
            var table = new Embedding(8, 4, Initializer.Zeros);
            AddUnit("block", new Block(table));
            AddChild("table", table);
        }

        private sealed class Block : Module
        {
            public Block(Embedding table)
            {
                AddChild("table", table);
                AddChild("other", new Linear(4, 4));
            }
        }
    }

    private sealed class Shared : Module
    {
        public Shared(int times)
        {
            var block = new Linear(4, 4);
            for (var i = 0; i < times; i++)
                AddUnit(i == 0 ? "first" : $"again.{i}", block);
        }
    }
}

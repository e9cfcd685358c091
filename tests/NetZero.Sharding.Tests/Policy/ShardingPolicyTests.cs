namespace NetZero.Sharding.Tests.Policy;

public class ShardingPolicyTests
{
    [Theory]
    [InlineData("ddp", 0)]
    [InlineData("zero1", 1)]
    [InlineData("zero2", 2)]
    [InlineData("zero3", 3)]
    [InlineData("fsdp", 3)]
    public void Preset_HasTheStageOfItsName(string name, int stage) => Assert.Equal(ShardingPolicy.ForStage(stage), ShardingPolicy.Named(name));

    [Fact]
    public void Preset_ThatDoesNotExist_IsRefused_ListingThem() => Assert.StartsWith(
        "There is no sharding preset 'zero4'; the presets are ddp, zero1, zero2, zero3, fsdp.",
        Assert.Throws<ArgumentException>(() => ShardingPolicy.Named("zero4")).Message, StringComparison.Ordinal);

    [Fact]
    public void Title_NamesStageGroupsAndOverrides()
    {
        Assert.Equal("ZeRO stage 2", ShardingPolicy.Zero2.Title);
        Assert.Equal(
            "ZeRO stage 3 in groups of 4 ranks, otherwise for h.0, root",
            new ShardingPolicy { ShardGroupSize = 4, Overrides = [new("h.0") { Stage = 1 }, new("root") { Stage = 0 }] }.Title);
    }

    public static TheoryData<string, ShardingPolicy, int> Mistakes => new()
    {
        { "BucketElements is -1; it must be 0 or more", new ShardingPolicy { Stage = 0, BucketElements = -1 }, 2 },
        { "Prefetch is -2; it must be 0 or more", new ShardingPolicy { Prefetch = new PrefetchDepth(1, -2) }, 2 },
        { "ShardGroupSize is 4, which does not divide the 6 ranks; use a divisor, or 0 for all of them", new ShardingPolicy { ShardGroupSize = 4 }, 6 },
        { "ShardGroupSize is 2, which does not divide the 1 rank; use a divisor, or 0 for all of them", new ShardingPolicy { ShardGroupSize = 2 }, 1 },
        { "ShardGroupSize is 1: a group of one rank shares nothing; use stage 0 for replicas alone", new ShardingPolicy { ShardGroupSize = 1 }, 2 },
        { "ShardGroupSize would have no effect: at stage 0 nothing is sharded; leave it out", new ShardingPolicy { Stage = 0, ShardGroupSize = 2 }, 4 },
        {
            "ReshardAfterForward is 4: the small group must be a proper divisor of the 4 ranks that parameters are sharded over; use one, true to let parameters go, or false to keep them",
            new ShardingPolicy { ReshardAfterForward = ReshardAfterForward.Within(4) }, 4
        },
        {
            "ReshardAfterForward is 2: the small group must be a proper divisor of the 2 ranks that parameters are sharded over; use one, true to let parameters go, or false to keep them",
            new ShardingPolicy { ReshardAfterForward = ReshardAfterForward.Within(2), ShardGroupSize = 2 }, 4
        },
        {
            "KeepGathered would have no effect: no unit is at stage 3, so nothing is gathered for a pass; leave it out",
            new ShardingPolicy { Stage = 2, KeepGathered = true }, 2
        },
        {
            "BucketElements would have no effect: at stage 3 each unit is reduced and let go by itself; leave it out",
            new ShardingPolicy { BucketElements = 5 }, 2
        },
        {
            "Prefetch of 2 in backward would have no effect: what is kept after forward is not gathered again; leave it out",
            new ShardingPolicy { ReshardAfterForward = ReshardAfterForward.No, Prefetch = new PrefetchDepth(2, 2) }, 2
        },
        { "Ignored would have no effect: at stage 0 nothing is sharded; leave it out", new ShardingPolicy { Stage = 0, Ignored = ["**.bias"] }, 2 },
        {
            "Overrides would have no effect on 'h.0': give a stage, what to do after forward, or leave it out",
            new ShardingPolicy { Overrides = [new UnitOverride("h.0")] }, 2
        },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Policy_ThatCannotBeOrHasNoEffect_IsRefusedWithTheFix(string message, ShardingPolicy policy, int ranks) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => policy.Validate(ranks)).Message);

    public static TheoryData<string, ShardingPolicy> MistakesInAModel => new()
    {
        {
            "The override of 'blocks.*' to stage 3 would have no effect: what it matches, such as 'blocks.0', is at stage 3 without it; leave it out.",
            new ShardingPolicy { Overrides = [new("blocks.*") { Stage = 3, ReshardAfterForward = ReshardAfterForward.No }] }
        },
        {
            "The override of 'blocks.0' to stage 1 would have no effect: what it matches, such as 'blocks.0', is at stage 0 without it; leave it out.",
            new ShardingPolicy { Stage = 2, Overrides = [new("blocks.0") { Stage = 1 }, new("blocks.*") { Stage = 0 }] }
        },
        {
            "The override of 'blocks.1' to ReshardAfterForward false would have no effect: what it matches, such as 'blocks.1', is at stage 2, where nothing is gathered for a pass; leave it out.",
            new ShardingPolicy { Stage = 2, Overrides = [new("blocks.0") { Stage = 3 }, new("blocks.1") { ReshardAfterForward = ReshardAfterForward.No }] }
        },
        {
            "The override of 'root' to ReshardAfterForward false would have no effect: what it matches, such as 'root', is treated so without it; leave it out.",
            new ShardingPolicy { Overrides = [new("root") { ReshardAfterForward = ReshardAfterForward.No }] }
        },
        {
            "The ignored pattern 'head.*' would have no effect: what it matches, such as 'head.weight', lies in 'root', which is at stage 0; leave it out.",
            new ShardingPolicy { Ignored = ["head.*"], Overrides = [new("root") { Stage = 0 }] }
        },
    };

    [Theory]
    [MemberData(nameof(MistakesInAModel))]
    public void Setting_WithoutEffectOnTheModel_IsRefusedWithTheFix(string message, ShardingPolicy policy)
    {
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => FullyShard.Validate(new Engine.ToyModel(), policy, 2)).Message);
        Testing.Ranks.Run(2, rank => Assert.Equal(message, Assert.Throws<ArgumentException>(() => FullyShard.Apply(new Engine.ToyModel(), rank, policy)).Message));
    }

    public static TheoryData<ShardingPolicy> SettingsOfOneUnit =>
    [
        new() { Overrides = [new("root") { ReshardAfterForward = ReshardAfterForward.Yes }] },
        new() { Stage = 1, Overrides = [new("blocks.*") { Stage = 3 }, new("blocks.0") { Stage = 2 }] },
        new() { Stage = 2, Overrides = [new("blocks.*") { Stage = 3, ReshardAfterForward = ReshardAfterForward.No }] },
        new() { Ignored = ["**.bias"], Overrides = [new("root") { Stage = 0 }] },
    ];

    // A rank alone takes the same policy.
    [Theory]
    [MemberData(nameof(SettingsOfOneUnit))]
    public void Setting_ThatChangesOneUnit_IsTaken(ShardingPolicy policy)
    {
        FullyShard.Validate(new Engine.ToyModel(), policy, 2);
        Testing.Ranks.Run(1, rank => FullyShard.Apply(new Engine.ToyModel(), rank, policy));
    }

    // A program computes the number, as the ranks of a node; a configuration that says it is told (ConfigurationChecks).
    [Fact]
    public void GroupsOfAllRanks_AreTheFlatMesh() => Testing.Ranks.Run(4, rank =>
    {
        var module = FullyShard.Apply(new Engine.ToyModel(), rank, new ShardingPolicy { ShardGroupSize = 4 });
        Assert.Equal(4, module.ShardGroup.Size);
        Assert.Same(rank.Group, module.ShardGroup);
    });

    [Fact]
    public void SettingsOfStage3_HaveAnEffect_WhereOneUnitIsAtStage3() =>
        new ShardingPolicy { Stage = 1, KeepGathered = true, Overrides = [new UnitOverride("h.0") { Stage = 3 }] }.Validate(2);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void SecondCopy_OfFewerThanTwoRanks_IsRefused(int ranks) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ReshardAfterForward.Within(ranks));
}

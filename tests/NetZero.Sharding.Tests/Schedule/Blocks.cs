using NetZero.Nn;

namespace NetZero.Sharding.Tests.Schedule;

/// <summary>A model that is never run: a root and blocks h.0, h.1, ... with one parameter each.</summary>
internal sealed class Blocks : Module
{
    public Blocks(int blocks, long elements = 10)
    {
        AddParameter("weight", [elements], Initializer.Zeros);
        for (var i = 0; i < blocks; i++)
            AddUnit($"h.{i}", new Block(elements));
    }

    private sealed class Block : Module
    {
        public Block(long elements) => AddParameter("weight", [elements], Initializer.Zeros);
    }
}

/// <summary>Schedules without ranks.</summary>
internal static class Schedules
{
    public static StepSchedule Of(Module model, ShardingPolicy policy, int worldSize, int microBatches = 1)
    {
        policy.Validate(worldSize);
        var shards = policy.ShardGroupSize > 0 ? policy.ShardGroupSize : worldSize;
        return new StepScheduleBuilder(ModelUnits.Of(model, policy, shards), policy, new MeshExtent(worldSize / shards, shards)).Training(microBatches);
    }
}

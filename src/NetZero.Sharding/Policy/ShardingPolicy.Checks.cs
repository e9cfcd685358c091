using NetZero.Nn;

namespace NetZero.Sharding;

// What can be seen to be wrong before a model is known. A setting without effect is a mistake too: whoever set it expects one.
public sealed partial record ShardingPolicy
{
    /// <summary>Checks the settings together, over a world of ranks.</summary>
    /// <exception cref="ArgumentException">One that cannot be or would have no effect; the message says which and what to do.</exception>
    public void Validate(int worldSize)
    {
        if (Problems(worldSize).FirstOrDefault() is { } problem)
            throw new ArgumentException($"{problem.Property} {problem.Message}");
    }

    /// <summary>What is wrong with the settings over a world of ranks: the property, and what to say of it.</summary>
    public IEnumerable<PolicyProblem> Problems(int worldSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(worldSize, 1);
        return Negative().Concat(Groups(worldSize)).Concat(WithoutEffect(worldSize));
    }

    private IEnumerable<PolicyProblem> Negative()
    {
        (string Property, long Value)[] counts =
        [
            (nameof(BucketElements), BucketElements), (nameof(MinimumUnitElements), MinimumUnitElements), (nameof(ShardGroupSize), ShardGroupSize),
            (nameof(Prefetch), Math.Min(Prefetch.Forward, Prefetch.Backward)),
        ];
        foreach (var (property, value) in counts)
            if (value < 0)
                yield return new(property, $"is {value}; it must be 0 or more");
    }

    private IEnumerable<PolicyProblem> Groups(int worldSize)
    {
        if (ShardGroupSize < 0)
            yield break;
        if (ShardGroupSize > 0 && worldSize % ShardGroupSize != 0)
        {
            yield return new(nameof(ShardGroupSize), $"is {ShardGroupSize}, which does not divide the {Ranks(worldSize)}; use a divisor, or 0 for all of them");
            yield break;
        }

        if (ShardGroupSize == 1 && worldSize > 1)
            yield return new(nameof(ShardGroupSize), "is 1: a group of one rank shares nothing; use stage 0 for replicas alone");
        var shards = ShardGroupSize > 0 ? ShardGroupSize : worldSize;
        foreach (var reshard in Reshards.Distinct())
        {
            if (reshard.GroupSize > 0 && (shards % reshard.GroupSize != 0 || reshard.GroupSize >= shards))
            {
                yield return new(
                    nameof(ReshardAfterForward),
                    $"is {reshard}: the small group must be a proper divisor of the {Ranks(shards)} that parameters are sharded over; "
                    + "use one, true to let parameters go, or false to keep them");
            }
        }
    }

    private IEnumerable<PolicyProblem> WithoutEffect(int worldSize)
    {
        const string nothingGathered = "would have no effect: no unit is at stage 3, so nothing is gathered for a pass; leave it out";
        if (!ShardsSomeParameters)
        {
            if (KeepGathered)
                yield return new(nameof(KeepGathered), nothingGathered);
            if (Prefetch != PrefetchDepth.One)
                yield return new(nameof(Prefetch), nothingGathered);
            if (Reshards.Any(r => r != default))
                yield return new(nameof(ReshardAfterForward), nothingGathered);
        }

        else if (Prefetch.Backward != PrefetchDepth.One.Backward && ReshardAfterForward.Keeps
            && Overrides.All(o => o.ReshardAfterForward is null or { Keeps: true }))
        {
            yield return new(
                nameof(Prefetch),
                $"of {Prefetch.Backward} in backward would have no effect: what is kept after forward is not gathered again; leave it out");
        }

        if (ShardGroupSize > 0 && ShardGroupSize < worldSize && !ShardsSomething)
            yield return new(nameof(ShardGroupSize), "would have no effect: at stage 0 nothing is sharded; leave it out");
        if (Ignored.Count > 0 && !ShardsSomething)
            yield return new(nameof(Ignored), "would have no effect: at stage 0 nothing is sharded; leave it out");
        if (BucketElements > 0 && Stages.Min() == 3)
            yield return new(nameof(BucketElements), "would have no effect: at stage 3 each unit is reduced and let go by itself; leave it out");
        foreach (var other in Overrides)
            if (other is { Stage: null, ReshardAfterForward: null })
                yield return new(nameof(Overrides), $"would have no effect on '{other.Units}': give a stage, what to do after forward, or leave it out");
    }

    /// <summary>Checks that each override changes something in the units of a model.</summary>
    /// <param name="units">The units' names; <see cref="ModelUnits.RootName"/> is the root's.</param>
    /// <exception cref="ArgumentException">A part of one does not; the message says which and why.</exception>
    internal void CheckOverrides(IReadOnlyList<string> units)
    {
        for (var i = 0; i < Overrides.Count; i++)
        {
            var other = Overrides[i];
            var first = units.First(unit => NamePattern.Matches(other.Units, unit));
            var stage = TreatmentOf(first).Stage;
            if (other.Stage is { } asked && !Changes(i, other with { Stage = null }, units))
                throw WithoutEffect($"stage {asked}", $"is at stage {stage} without it");
            if (other.ReshardAfterForward is { } reshard && !Changes(i, other with { ReshardAfterForward = null }, units))
            {
                throw WithoutEffect(
                    $"{nameof(ReshardAfterForward)} {reshard}",
                    stage < 3 ? $"is at stage {stage}, where nothing is gathered for a pass" : "is treated so without it");
            }

            ArgumentException WithoutEffect(string to, string why) => new(
                $"The override of '{other.Units}' to {to} would have no effect: what it matches, such as '{first}', {why}; leave it out.");
        }
    }

    private bool Changes(int index, UnitOverride weaker, IReadOnlyList<string> units)
    {
        var without = this with { Overrides = [.. Overrides.Select((other, i) => i == index ? weaker : other)] };
        return units.Any(unit => TreatmentOf(unit) != without.TreatmentOf(unit));
    }

    private (int Stage, ReshardAfterForward? Reshard) TreatmentOf(string unit)
    {
        var policy = For(unit, isRoot: unit == ModelUnits.RootName);
        return (policy.Stage, policy.ShardsParameters ? policy.ReshardAfterForward : null);
    }

    /// <summary>Whether some unit shards its parameters.</summary>
    public bool ShardsSomeParameters => Stages.Max() == 3;

    /// <summary>Whether some unit shards something.</summary>
    internal bool ShardsSomething => Stages.Max() > 0;

    private IEnumerable<int> Stages => Overrides.Select(o => o.Stage ?? Stage).Prepend(Stage);

    private IEnumerable<ReshardAfterForward> Reshards => Overrides.Select(o => o.ReshardAfterForward ?? default).Prepend(ReshardAfterForward);

    private static string Ranks(int count) => count == 1 ? "1 rank" : $"{count} ranks";
}

/// <summary>Something wrong with a <see cref="ShardingPolicy"/>.</summary>
/// <param name="Property">The property.</param>
/// <param name="Message">What is wrong and what to do, to be read after the property's name.</param>
public sealed record PolicyProblem(string Property, string Message);

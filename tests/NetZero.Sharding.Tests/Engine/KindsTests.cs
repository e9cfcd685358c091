using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Parameters of several types, trained and frozen, in one block: every stage computes the same bits, holds what Meta plans and what the types come to, and calls what its schedule declares.</summary>
public class KindsTests
{
    private const int Steps = 2;

    private static readonly (string Name, MixedPrecisionPolicy Policy)[] Precisions =
    [
        ("fp32 over the base", MixedPrecisionPolicy.Single),
        ("bf16, norms fp32", MixedPrecisionPolicy.BFloat16 with { Overrides = [new("**.norm.*") { ParameterDType = DType.F32 }] }),
        ("linears bf16 and reduced so, biases fp16", MixedPrecisionPolicy.Single with
        {
            Overrides =
            [
                new("**.weight") { ParameterDType = DType.BF16, ReduceDType = DType.BF16 },
                new("**.norm.*") { ParameterDType = DType.F32, ReduceDType = DType.F32 },
                new("**.up.bias") { ParameterDType = DType.F16, GradientDType = DType.BF16 },
            ],
        }),
    ];

    public static TheoryData<string, int, int> Runs
    {
        get
        {
            var data = new TheoryData<string, int, int>();
            foreach (var (name, _) in Precisions)
                foreach (var (ranks, accumulation) in (ReadOnlySpan<(int, int)>)[(1, 2), (2, 1), (3, 2), (4, 1), (7, 1), (8, 2), (9, 1)])
                    data.Add(name, ranks, accumulation);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void EveryPolicy_ComputesTheBitsOfDataParallel_HoldsWhatMetaPlans_AndCallsWhatItsScheduleDeclares(string precision, int ranks, int accumulation)
    {
        var reference = Run(precision, ranks, accumulation, ShardingPolicy.DataParallel).Run();
        Assert.NotEqual(reference.Before["blocks.0.up.weight"], reference.After[0]["blocks.0.up.weight"]);
        ToyRun.Outcome? hybrid = null;
        foreach (var (policy, checkpointing) in PolicyGridTests.Checkpointed(Policies(ranks, accumulation)))
        {
            var run = Run(precision, ranks, accumulation, policy) with { ActivationCheckpointing = checkpointing };
            var found = run.Run();
            found.AssertSameBits(policy.ShardGroupSize == 0 ? reference : hybrid ??= found);
            for (var rank = 0; rank < ranks; rank++)
            {
                found.Traces[rank].AssertHasTheBytesOf(run.Plan(rank));
                PolicyGridTests.CheckCalls(found.Traces[rank]);
            }
        }
    }

    // The kinds of a block of this model, in elements: trained 15 + 15 (norm) + 15 x 17 + 17 + 17 x 15 + 15; frozen 225 in bf16, 225 codes, 15 scales in fp32; the head 48.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AtRest_EachKindTakesItsOwnBytes_AndFrozenOnesNothingElse(int stage)
    {
        const int ranks = 2;
        var trace = (Run("bf16, norms fp32", ranks, 1, ShardingPolicy.ForStage(stage)) with { Clip = 0 }).Run().Traces[1];

        // Of each group a rank has a slice, padded to 256 elements; the whole is two.
        long Padded(long elements) => (((elements + ranks - 1) / ranks) + 255) / 256 * 256;
        long Values(long width, long copy, long elements) => Padded(elements) * stage switch
        {
            0 => ranks * (width + copy),
            3 => width,
            _ => (copy > 0 ? width : ranks * width) + (ranks * copy),
        };
        var block = Values(4, 0, 30) + Values(4, 2, 542) + Values(2, 0, 225) + Values(1, 0, 225) + Values(4, 0, 15);
        var head = Values(4, 2, 48);
        Assert.Equal((3 * block) + head, trace.LeftBytes[(int)MemoryKind.Parameter]);
        var trained = (3 * (Padded(30) + Padded(542))) + Padded(48);
        Assert.Equal(8 * trained * (stage == 0 ? ranks : 1), trace.LeftBytes[(int)MemoryKind.Optimizer]);
        Assert.DoesNotContain(
            trace.Calls, call => call.Operation != Collectives.CollectiveOperation.AllGather && KindsModel.Base.Any(name => call.Unit.Contains(name, StringComparison.Ordinal)));
    }

    [Fact]
    public void ABlocksGroups_AreGatheredSideBySide_AndWeighWhatTheirTypesDo()
    {
        var schedule = Run("bf16, norms fp32", 2, 1, ShardingPolicy.Zero3).Plan(0).Module.TrainingSchedule;
        var gathers = schedule.Collectives().Where(c => c.Label.StartsWith("blocks.0", StringComparison.Ordinal) && c.Operation == Collectives.CollectiveOperation.AllGather).ToList();
        (string, long)[] expected =
        [
            ("blocks.0 [**.base]", 2 * 256), ("blocks.0 [**.codes]", 256), ("blocks.0 [**.scales]", 4 * 256), ("blocks.0", 2 * 512), ("blocks.0 (fp32)", 4 * 256),
        ];

        // Once forward and once backward, of which a rank sends its half.
        Assert.Equal([.. expected, .. expected], gathers.Select(g => (g.Label, g.WireBytes)));
        foreach (var pass in gathers.Chunk(expected.Length))
        {
            var first = schedule.Events.ToList().IndexOf(pass[0].Event);
            Assert.Equal(pass.Select(g => g.Event), schedule.Events.Skip(first).Take(expected.Length));
        }
    }

    [Fact]
    public void Describe_ShowsTheKindsOfEachGroup()
    {
        var plan = FullyShard.Describe(
            new KindsModel(3), 2, ShardingPolicy.Zero3,
            module =>
            {
                var optimizer = new AdamW(module);
                return () =>
                {
                    using var step = module.BeginStep();
                    step.Backward(((KindsModel)module.Module).Loss(module.Tensors.Empty([2, 15]), module.Tensors.Empty([2], DType.I32)));
                    optimizer.Step();
                };
            },
            new ShardingOptions { Frozen = KindsModel.Base, MixedPrecision = Precisions[1].Policy });
        var text = plan.ToString();
        foreach (var line in (string[])
        [
            "blocks.0 to blocks.2, each of 3",
            "  trained, bf16 from fp32",
            "\nblocks.0 (fp32) to blocks.2 (fp32), each of 3\n",
            "  frozen, u8",
            "  frozen, bf16",
        ])
            Assert.Contains(line, text, StringComparison.Ordinal);
        Assert.DoesNotContain("...", text, StringComparison.Ordinal);
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 100));
    }

    // Widening the bf16 values gives the masters; from there the unit trains as any other does.
    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 0)]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(3, 3)]
    public void FrozenInATypeOfItsOwn_AndThawed_HasMastersFromThere_TheSameAtEveryStage(int ranks, int stage)
    {
        var found = Thawed(ranks, stage);
        Assert.All(found, weights => Assert.Equal(found[0].After, weights.After));
        Assert.Equal(Thawed(ranks, 0)[0].After, found[0].After);
        foreach (var (before, after) in found[0].Before.Zip(found[0].After))
        {
            // What is kept in bf16 is bf16; what a step has moved is not.
            Assert.Equal((float)(BFloat16)before, before);
            Assert.NotEqual(before, after);
            Assert.NotEqual((float)(BFloat16)after, after);
        }
    }

    [Fact]
    public void WhatCannotBe_IsRefusedByName()
    {
        string Problem(ShardingOptions options) =>
            Assert.Throws<ArgumentException>(() => FullyShard.Validate(new KindsModel(), ShardingPolicy.Zero3, 2, options)).Message;
        Assert.StartsWith("Parameter 'blocks.0.codes' is U8 and would train, but only floating-point parameters have gradients; freeze it", Problem(new()), StringComparison.Ordinal);
        MixedPrecisionPolicy With(PrecisionOverride other) => new() { Overrides = [other] };
        Assert.StartsWith(
            "The precision override's pattern 'h.*' matches no parameter of the model; parameters are named 'blocks.0.base'",
            Problem(new() { Frozen = KindsModel.Base, MixedPrecision = With(new("h.*") { ParameterDType = DType.BF16 }) }), StringComparison.Ordinal);
        Assert.StartsWith(
            "The precision override of '**.codes' would have no effect: what it matches, such as 'blocks.0.codes', is u8 without it; leave it out.",
            Problem(new() { Frozen = KindsModel.Base, MixedPrecision = With(new("**.codes") { ParameterDType = DType.BF16 }) }), StringComparison.Ordinal);
        Assert.StartsWith("The precision override of 'head.*' would have no effect", Problem(new() { MixedPrecision = With(new("head.*")) }), StringComparison.Ordinal);
        Assert.StartsWith("ReduceDType of 'head.*' is U8", Problem(new() { MixedPrecision = With(new("head.*") { ReduceDType = DType.U8 }) }), StringComparison.Ordinal);
        Assert.StartsWith("Parameter 'ids' is I32", Assert.Throws<ArgumentException>(() => new Parameter("ids", [1], Initializer.Zeros, DType.I32)).Message, StringComparison.Ordinal);
        Ranks.Run(1, rank =>
        {
            var sharded = FullyShard.Apply(new KindsModel(), rank, ShardingPolicy.Zero3, new ShardingOptions { Frozen = KindsModel.Base });
            Assert.StartsWith(
                "The pattern '**.codes' would thaw the flat unit 'blocks.0 [**.codes]', whose parameters are U8", Assert.Throws<ArgumentException>(() => sharded.Unfreeze("**.codes")).Message,
                StringComparison.Ordinal);
        });
    }

    // Codes come as they were given, whichever rank holds them, and are widened where somebody asks for floats.
    [Fact]
    public void Codes_AreGatheredAsBytes() => Ranks.Run(3, rank =>
    {
        var model = new KindsModel();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3, new ShardingOptions { Frozen = KindsModel.Base });
        var expected = Enumerable.Range(0, 225).Select(i => KindsModel.Codes.At(i)).ToArray();
        using (sharded.Unshard("blocks.1"))
            Assert.Equal(expected, model.Blocks[1].CodesOfWeight.Value.ToArray<byte>());
        using (var wide = sharded.GatherParameter("blocks.1.codes"))
            Assert.Equal(expected.Select(code => (float)code), wide.Value.ToArray<float>());
        var own = sharded.OwnShard("blocks.1.codes");
        Assert.Equal(expected.Skip((int)own.Start).Take((int)own.Values.Elements), own.Values.ToArray<byte>());
        Assert.Equal(0, rank.Tensors.Ledger.Live(MemoryKind.Gathered));
    });

    private static (float[] Before, float[] After)[] Thawed(int ranks, int stage) => Ranks.Run(ranks, rank =>
    {
        var model = new KindsModel();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), new ShardingOptions { Frozen = KindsModel.Base });
        var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 0.05 });
        Step(sharded, optimizer, model, rank);
        var before = Base(sharded);
        var parameters = rank.Tensors.Ledger.Live(MemoryKind.Parameter);
        var thawed = sharded.Unfreeze("**.base");
        Assert.Equal(["blocks.0 [**.base]", "blocks.1 [**.base]"], thawed.Select(shard => shard.Name));
        var (padded, slice) = (sharded.Units.Where(u => u.Name == thawed[0].Name).Sum(u => u.PaddedElements), sharded.Units.Where(u => u.Name == thawed[0].Name).Sum(u => u.ShardElements));

        // At stage 3 masters take the place of the slice; elsewhere they come beside what is computed with.
        Assert.Equal(2 * (ranks == 1 || stage == 0 ? 4 * padded : stage == 3 ? 2 * slice : 4 * slice), rank.Tensors.Ledger.Live(MemoryKind.Parameter) - parameters);
        Assert.Equal(before, Base(sharded));
        Step(sharded, optimizer, model, rank);
        var after = Base(sharded);
        sharded.Freeze("**.base");
        Step(sharded, optimizer, model, rank);
        Assert.Equal(after, Base(sharded));
        return (before, after);
    });

    private static void Step(ShardedModule sharded, Optimizer optimizer, KindsModel model, Collectives.RankContext rank)
    {
        using var step = sharded.BeginStep();
        var x = Enumerable.Range(0, 4 * 15).Select(i => MathF.Sin(i + rank.Rank)).ToArray();
        step.Backward(model.Loss(rank.Tensors.From<float>(x, [4, 15]), rank.Tensors.From<int>([0, 1, 2, 1], [4])));
        optimizer.Step();
    }

    private static float[] Base(ShardedModule module)
    {
        var values = new List<float>();
        module.VisitParameters((name, value) => values.AddRange(name.EndsWith(".base", StringComparison.Ordinal) ? value.ToArray<float>() : []), everyRank: true);
        return [.. values];
    }

    private static IEnumerable<ShardingPolicy> Policies(int ranks, int accumulation)
    {
        // Larger worlds walk a part of them each.
        foreach (var policy in PolicyGridTests.Policies(ranks, accumulation).Where((_, i) => ranks <= 4 || i % 6 == ranks % 6))
            yield return policy;
        yield return new ShardingPolicy { Stage = 3, Ignored = ["**.scales"] };
        if (ranks != 4)
            yield break;
        for (var stage = 1; stage <= 3; stage++)
            yield return new ShardingPolicy { Stage = stage, ShardGroupSize = 2, BucketElements = stage < 3 ? 2048 : 0 };
    }

    private static ToyRun Run(string precision, int ranks, int accumulation, ShardingPolicy policy) => new()
    {
        Model = () => new KindsModel(3),
        Frozen = KindsModel.Base,
        Precision = Precisions.First(p => p.Name == precision).Policy,
        Ranks = ranks,
        Steps = Steps,
        GlobalRows = ranks * accumulation,
        AccumulationSteps = accumulation,
        Clip = 0.1,
        RecordsAllCalls = true,
        Policy = policy,
        Optimizer = parameters => new AdamW(parameters),
    };
}

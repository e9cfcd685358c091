using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>Models whose parameters are of several types, some of them frozen in these: each tensor is stored in its type, once, and any world restores it.</summary>
public sealed class KindsTests : IDisposable
{
    private static readonly string[] Frozen = ["**.base", "**.codes"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<int, int, int> Worlds => new() { { 1, 0, 0 }, { 2, 3, 0 }, { 3, 2, 0 }, { 4, 1, 2 }, { 7, 3, 0 } };

    [Theory]
    [MemberData(nameof(Worlds))]
    public void EachType_IsStoredAsItIs_AndRestoredByAnyWorld(int ranks, int stage, int group)
    {
        var (path, expected) = Save(ranks, stage, group, DType.BF16);
        using (var reader = CheckpointReader.Open(path))
        {
            // Two blocks of 33 x 7 in bf16 and in codes; trained values with two moments in fp32: 33 in each, and 5 of the root.
            Assert.Equal(["F32", "BF16", "U8", "F32"], ((string[])["scale", "h.0.base", "h.0.codes", "h.1.scale"]).Select(name => reader.Find(name).DType));
            Assert.Equal((2 * 33 * 7 * (2 + 1)) + (3 * 4 * ((2 * 33) + 5)), reader.Manifest.StateBytes());
        }

        foreach (var world in Worlds)
            Assert.Equal(expected, Load(path, (int)world[0], (int)world[1], (int)world[2], DType.BF16));
    }

    // A checkpoint of fp32 values is that of a model imported or trained in whole; the reverse is a frozen base that trains on.
    [Theory]
    [InlineData(null, DType.BF16)]
    [InlineData(DType.BF16, null)]
    [InlineData(DType.F16, DType.BF16)]
    public void ValuesKeptInAnotherType_AreConverted_ToNearest(DType? saved, DType? kept)
    {
        var (path, expected) = Save(3, 3, 0, saved);
        foreach (var (name, values) in Load(path, 2, 1, 0, kept))
            Assert.Equal(name.EndsWith(".base", StringComparison.Ordinal) && kept is not null ? expected[name].Select(v => (float)(BFloat16)v) : expected[name], values);
    }

    [Fact]
    public void Exports_AreSingles_AndCodesAreNone()
    {
        var (path, expected) = Save(3, 3, 0, DType.BF16);
        using var checkpoint = CheckpointReader.Open(path);
        void Export(string name) =>
            CheckpointConversion.Export(checkpoint, StateWorld.Model.ToHuggingFace(), [new TensorSpec(name, [33, 7])], _folder["exported"], long.MaxValue);
        Export("h.0.base");
        var file = Directory.EnumerateFiles(_folder["exported"], "*.safetensors").Single();
        using (var exported = SafetensorsFile.Open(file))
        {
            var values = new float[33 * 7];
            exported.Read(exported.Tensors.Single().Name, 0, values);
            Assert.Equal(expected["h.0.base"], values);
        }

        Assert.Contains("is [33, 7] of U8, expected [33, 7] of a floating-point type", Assert.Throws<CheckpointException>(() => Export("h.0.codes")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CodesForNumbers_AreRefused()
    {
        var (path, _) = Save(1, 0, 0, DType.U8);
        Assert.Contains("this run has a parameter [33, 7] of BF16", Assert.Throws<CheckpointException>(() => Load(path, 1, 0, 0, DType.BF16)).Message, StringComparison.Ordinal);
    }

    private (string Path, Dictionary<string, float[]> Values) Save(int ranks, int stage, int group, DType? dtype)
    {
        var folder = new CheckpointFolder(_folder[$"{ranks}-{stage}-{group}-{dtype}"]);
        var values = Run(ranks, stage, group, dtype, null, (module, optimizer) =>
        {
            using var saver = new CheckpointSaver(folder, module, optimizer, new SaverOptions());
            Assert.Null((saver.Save(new CheckpointManifest { Step = 3 }) ?? saver.Finish())!.Failure);
        });
        return (folder.Of(3), values);
    }

    private static Dictionary<string, float[]> Load(string path, int ranks, int stage, int group, DType? dtype) =>
        Run(ranks, stage, group, dtype, new Zeros(), (module, optimizer) => CheckpointLoader.Load(path, module, optimizer));

    // The values that every rank sees afterwards.
    private static Dictionary<string, float[]> Run(int ranks, int stage, int group, DType? dtype, IParameterSource? source, Action<ShardedModule, Optimizer> program)
    {
        var found = Testing.Ranks.Run(ranks, rank =>
        {
            var module = FullyShard.Apply(
                new Model(dtype), rank, new ShardingPolicy { Stage = stage, ShardGroupSize = group }, new ShardingOptions { Frozen = Frozen, Source = source });
            program(module, new AdamW(module));
            var values = new Dictionary<string, float[]>();
            module.VisitParameters((name, value) => values[name] = value.ToArray<float>(), everyRank: true);
            return values;
        });
        Assert.All(found, values => Assert.Equal(found[0], values));
        return found[0];
    }

    private sealed class Zeros : IParameterSource
    {
        public void Read(string name, Parameter parameter, long first, Span<float> destination) => destination.Clear();
    }

    private sealed class Model : Module
    {
        public Model(DType? dtype)
        {
            AddParameter("scale", [5], Initializer.Normal(1));
            for (var i = 0; i < 2; i++)
                AddUnit($"h.{i}", new Block(dtype));
        }
    }

    private sealed class Block : Module
    {
        public Block(DType? dtype)
        {
            AddParameter("scale", [33], Initializer.Normal(1));
            AddParameter("base", [33, 7], Initializer.Normal(1), dtype);
            AddParameter("codes", [33, 7], Initializer.Uniform(200), DType.U8);
        }
    }
}

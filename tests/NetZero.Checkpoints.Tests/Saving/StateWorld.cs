using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>A world whose state is known element by element, so that whatever is restored can be compared without a second copy of it.</summary>
/// <remarks>Nothing is trained: value and moments of element i of a tensor are functions of its name and i.</remarks>
internal sealed record StateWorld(int Ranks, int Stage)
{
    /// <summary>Sizes that no world divides. At seven ranks the blocks' last slices are empty.</summary>
    public static readonly Gpt2Config Model = new() { LayerCount = 2, HeadCount = 1, EmbeddingSize = 9, PositionCount = 11, VocabularySize = 37 };

    /// <summary>Ranks that share a copy of the state; 0 is all.</summary>
    public int ShardRanks { get; init; }

    public SaverOptions Options { get; init; } = new();

    public StateFormat Moments { get; init; }

    /// <summary>Whether the optimizer keeps means of rows and columns, which have shapes of their own, beside a moment.</summary>
    public bool Factored { get; init; }

    public Gpt2Config Gpt2 { get; init; } = Model;

    public Device Device { get; init; } = Device.Cpu;

    public override string ToString() => $"{Ranks} ranks, stage {Stage}{(ShardRanks > 0 ? $", shared by {ShardRanks}" : "")}";

    /// <summary>Runs something on every rank.</summary>
    public T[] Run<T>(Func<RankContext, ShardedModule, Optimizer, T> program, bool filled) => Testing.Ranks.Run(Ranks, rank =>
    {
        var module = FullyShard.Apply(
            new Gpt2(Gpt2), rank, new ShardingPolicy { Stage = Stage, ShardGroupSize = ShardRanks },
            new ShardingOptions { Source = filled ? new Known() : new Nothing() });
        Optimizer optimizer = Factored
            ? new Adafactor(module, new AdafactorOptions { StateFormat = Moments, Beta1 = 0.9 })
            : new AdamW(module, new AdamWOptions { StateFormat = Moments });
        if (filled)
            Fill(new TrainingState(module, optimizer));
        return program(rank, module, optimizer);
    }, Testing.Ranks.Options with { Tensors = new TensorContextOptions { Device = Device } });

    /// <summary>Saves the known state as a step; the report of rank 0.</summary>
    public SaveReport Save(CheckpointFolder folder, long step) => Run(
        (_, module, optimizer) =>
        {
            optimizer.Resume(step);
            using var saver = new CheckpointSaver(folder, module, optimizer, Options);
            return (saver.Save(new CheckpointManifest { Step = step }) ?? saver.Finish())!;
        },
        filled: true)[0];

    /// <summary>Loads a checkpoint and compares everything that any rank holds.</summary>
    /// <returns>Bytes that all ranks together have read.</returns>
    public long LoadAndCompare(string checkpoint) => Run(
        (_, module, optimizer) =>
        {
            var (manifest, read) = CheckpointLoader.Load(checkpoint, module, optimizer);
            Assert.Equal(manifest.Step, optimizer.Steps);
            Compare(module, optimizer);
            return read;
        },
        filled: false).Sum();

    /// <summary>All that a rank holds: its slices, whole units where it has them, and parameters as the model sees them.</summary>
    public static void Compare(ShardedModule module, Optimizer optimizer)
    {
        module.Tensors.Synchronize();
        foreach (var slice in new TrainingState(module, optimizer).Slices)
            ForEach(slice, (bytes, name, i) => Assert.True(bytes.SequenceEqual(Entry(slice, name, i)), $"element {i} of {name} differs"));
        module.VisitParameters(
            (name, value) => Assert.Equal(Enumerable.Range(0, (int)value.Elements).Select(i => Value(name, i)), value.ToArray<float>()), everyRank: true);
    }

    /// <summary>Element i of a tensor: any finite single, from bits that name and index spread.</summary>
    public static float Value(string name, long i)
    {
        var bits = (uint)i * 2654435761u;
        foreach (var c in name)
            bits = (bits ^ c) * 16777619u;
        return BitConverter.UInt32BitsToSingle((bits & 0x807FFFFF) | 0x3F000000);
    }

    private static void Fill(TrainingState state)
    {
        state.Module.Tensors.Synchronize();
        foreach (var slice in state.Slices.Where(s => s.Kind == CheckpointTensor.OptimizerKind))
            ForEach(slice, (bytes, name, i) => Entry(slice, name, i).CopyTo(bytes));
    }

    private delegate void OnEntry(Span<byte> bytes, string name, long i);

    // Every entry that a rank holds, of other ranks' slices too where it holds the whole unit.
    private static unsafe void ForEach(StateSlice slice, OnEntry visit)
    {
        var width = slice.Memory.DType.SizeInBytes();
        var all = slice.IsWhole ? slice with { Unit = slice.Unit with { Start = 0 } } : slice;
        foreach (var run in all.Runs(0, slice.Memory.Elements))
            for (long i = 0; i < run.Elements; i++)
                visit(new Span<byte>(run.Pointer + (i * width), width), run.Name, run.First + i);
    }

    private static ReadOnlySpan<byte> Entry(StateSlice slice, string name, long i) =>
        BitConverter.GetBytes(Value(name, i)).AsSpan(0, slice.Memory.DType.SizeInBytes());

    private sealed class Known : IParameterSource
    {
        public void Read(string name, Parameter parameter, long first, Span<float> destination)
        {
            for (var i = 0; i < destination.Length; i++)
                destination[i] = Value(name, first + i);
        }
    }

    private sealed class Nothing : IParameterSource
    {
        public void Read(string name, Parameter parameter, long first, Span<float> destination) => destination.Fill(float.NaN);
    }
}

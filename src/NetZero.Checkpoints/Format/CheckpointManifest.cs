using System.Text.Json;
using System.Text.Json.Serialization;

namespace NetZero.Checkpoints;

/// <summary>What <c>checkpoint.json</c> says. The format is described in <c>docs/checkpoints.md</c>.</summary>
public sealed record CheckpointManifest
{
    /// <summary>The file that it is, in a checkpoint's folder.</summary>
    public const string FileName = "checkpoint.json";

    /// <summary>The value of <see cref="Format"/>.</summary>
    public const string FormatName = "netzero-checkpoint";

    /// <summary>The newest version of the format that this library reads, and the one that it writes.</summary>
    public const int CurrentVersion = 1;

    /// <summary>What the file is: <see cref="FormatName"/>.</summary>
    public string Format { get; init; } = FormatName;

    /// <summary>The version of the format.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The version of the library that wrote it.</summary>
    public string Library { get; init; } = "";

    /// <summary>Optimizer steps taken.</summary>
    public long Step { get; init; }

    /// <summary>How the state was distributed when it was saved. Loading does not depend on it.</summary>
    public CheckpointWorld World { get; init; } = new(1, 1, 0);

    /// <summary>Single values of the state by name, such as <c>optimizer.steps</c>.</summary>
    public IReadOnlyDictionary<string, double> Scalars { get; init; } = new Dictionary<string, double>();

    /// <summary>The place in the training data; null before the first step.</summary>
    public CheckpointData? Data { get; init; }

    /// <summary>What random numbers are drawn from: they are functions of it, the step and the sample, so there is no other state.</summary>
    public CheckpointRandom Random { get; init; } = new(0);

    /// <summary>The latest validation loss at this step, in nats per token; null where there is none.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The run's whole configuration, the schedule included.</summary>
    public JsonElement? Configuration { get; init; }

    /// <summary>Parameters that training never changes, as the base of adapters, and that are not in here: a run that goes on takes them from where it took them first. Null where the whole model is here.</summary>
    public CheckpointFixed? Fixed { get; init; }

    /// <summary>The files beside <c>checkpoint.json</c>.</summary>
    public IReadOnlyList<CheckpointFile> Files { get; init; } = [];

    /// <summary>The state's tensors.</summary>
    public IReadOnlyList<CheckpointTensor> Tensors { get; init; } = [];

    /// <summary>Bytes of all tensors.</summary>
    public long StateBytes() => Tensors.Sum(t => t.Pieces.Sum(p => p.Elements) * t.ElementBytes());
}

/// <summary>How a state was distributed.</summary>
/// <param name="Ranks">All ranks.</param>
/// <param name="ShardRanks">The ranks that shared one copy of the state; fewer than all under hybrid sharding.</param>
/// <param name="Stage">The ZeRO stage.</param>
public sealed record CheckpointWorld(int Ranks, int ShardRanks, int Stage);

/// <summary>A place in the order of samples, and what that order depends on.</summary>
/// <param name="Samples">Samples used so far, over all epochs and ranks.</param>
/// <param name="SamplesPerEpoch">Samples that the text holds.</param>
/// <param name="Shuffle">Whether they are shuffled.</param>
/// <param name="Seed">The seed that shuffles them.</param>
public sealed record CheckpointData(long Samples, long SamplesPerEpoch, bool Shuffle, long Seed);

/// <summary>What random numbers are drawn from.</summary>
/// <param name="Seed">The seed.</param>
public sealed record CheckpointRandom(long Seed);

/// <summary>Parameters that a checkpoint leaves out because training never changes them.</summary>
/// <param name="Parameters">How many.</param>
/// <param name="Elements">Elements of all of them.</param>
public sealed record CheckpointFixed(int Parameters, long Elements);

/// <summary>A file of a checkpoint.</summary>
/// <param name="Name">Its name in the folder.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="HeaderBytes">Bytes before the first tensor.</param>
/// <param name="HeaderCrc32c">Their checksum, eight hexadecimal digits.</param>
public sealed record CheckpointFile(string Name, long Bytes, int HeaderBytes, string HeaderCrc32c);

/// <summary>A tensor of the state, and where its elements are.</summary>
/// <param name="Name">The name, unique in the checkpoint.</param>
/// <param name="Kind">What it is: <c>parameter</c> or <c>optimizer</c>.</param>
/// <param name="DType">The element type as safetensors writes it, such as <c>F32</c>.</param>
/// <param name="Shape">The whole tensor's shape.</param>
/// <param name="Pieces">Where its elements are, in row-major order and without gaps.</param>
public sealed record CheckpointTensor(
    string Name, string Kind, [property: JsonPropertyName("dtype")] string DType, IReadOnlyList<long> Shape, IReadOnlyList<CheckpointPiece> Pieces)
{
    /// <summary><see cref="Kind"/> of parameters.</summary>
    public const string ParameterKind = "parameter";

    /// <summary><see cref="Kind"/> of what an optimizer keeps, such as moments.</summary>
    public const string OptimizerKind = "optimizer";

    /// <summary>Elements of the whole tensor.</summary>
    public long Elements() => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>Bytes of the whole tensor.</summary>
    public long Bytes() => Elements() * ElementBytes();

    // What has another type is refused when the manifest is read.
    internal SafetensorsDType ElementType() => SafetensorsDTypes.TryParse(DType, out var type) ? type : throw new InvalidOperationException($"Tensor '{Name}' has dtype '{DType}'.");

    internal int ElementBytes() => SafetensorsDTypes.TryParse(DType, out var type) ? type.Bits() / 8 : 0;
}

/// <summary>A run of a tensor's elements in one file.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Key">The name of the tensor in the file: that of the whole tensor where the piece is all of it, otherwise <c>NAME@FIRST</c>.</param>
/// <param name="First">The first element.</param>
/// <param name="Elements">How many there are.</param>
/// <param name="Crc32c">The checksum of each block of 1 MiB (the last may be shorter), eight hexadecimal digits each, in one string.</param>
public sealed record CheckpointPiece(string File, string Key, long First, long Elements, string Crc32c);

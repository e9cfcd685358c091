using System.Text.Json.Serialization;

namespace NetZero.Checkpoints;

/// <summary>The JSON of checkpoints, read and written by generated code.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, NewLine = "\n", AllowDuplicateProperties = false)]
[JsonSerializable(typeof(CheckpointManifest))]
[JsonSerializable(typeof(CheckpointPart))]
internal sealed partial class CheckpointJson : JsonSerializerContext;

/// <summary>What one rank has written: its file, and the pieces in it. Rank 0 joins the parts of all ranks to the manifest.</summary>
/// <param name="File">The file.</param>
/// <param name="Tensors">Tensors with the pieces that are in this file.</param>
internal sealed record CheckpointPart(CheckpointFile File, IReadOnlyList<CheckpointTensor> Tensors);

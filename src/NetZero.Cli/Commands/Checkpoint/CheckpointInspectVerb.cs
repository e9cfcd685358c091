using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using NetZero.Checkpoints;
using NetZero.Tensors;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint inspect</c>: what a checkpoint is and holds. Reads its manifest and the lengths of its files, so the answer does not wait for its size.</summary>
internal static class CheckpointInspectVerb
{
    public static Command Create(ITerminal terminal)
    {
        var path = CheckpointCommand.PathArgument("PATH", "A checkpoint; of a run's folder or s3://BUCKET/PREFIX, the newest.");
        var tensors = new Option<bool>("--tensors") { Description = "Also list its tensors." };
        var json = CheckpointCommand.JsonOption();
        var command = new Command("inspect", "Says what a checkpoint is and holds; reads no tensor.") { path, tensors, json };
        command.SetAction(parsed =>
        {
            using var reader = CheckpointCommand.Open(parsed.GetValue(path)!);
            if (parsed.GetValue(json))
            {
                JsonLine.Write(terminal.Out, writer => Write(writer, reader, parsed.GetValue(tensors)));
                return;
            }
            foreach (var line in Lines(reader))
                terminal.Out.WriteLine(line);
            if (parsed.GetValue(tensors))
                TextTable.Write(terminal, ["tensor", "kind", "type", "shape", ">bytes", ">pieces"], reader.Manifest.Tensors.Select(Cells));
        });
        return command;
    }

    private static IEnumerable<string> Lines(CheckpointReader reader)
    {
        var m = reader.Manifest;
        yield return $"path    {reader.Path}";
        yield return $"step    {m.Step}; format {m.Version}, NetZero {m.Library}; saved by {CheckpointWords.Ranks(m.World)} ranks at stage {m.World.Stage}";
        if (m.Data is { } data)
            yield return $"data    {data.Samples} samples of {data.SamplesPerEpoch} an epoch, {(data.Shuffle ? $"shuffled by seed {data.Seed}" : "in text order")}";
        if (m.ValidationLoss is { } loss)
            yield return $"loss    {ProgressText.Real(loss)} on the validation text";
        if (m.Fixed is { } left)
            yield return $"base    {left.Parameters} tensors, {ProgressText.Count(left.Elements)} elements: never trained and not in here; a run that goes on takes them from 'init_from' or the seed";
        yield return $"files   {m.Files.Count}, {ByteSize.Show(m.Files.Sum(f => f.Bytes))}";
        foreach (var kind in m.Tensors.GroupBy(Kind))
        {
            yield return $"        {kind.Key}: {kind.Count()} tensors, {ProgressText.Count(kind.Sum(t => t.Elements()))} elements, "
                + ByteSize.Show(kind.Sum(t => t.Bytes()));
        }
        foreach (var (name, value) in m.Scalars)
            yield return $"        {name}: {value.ToString(CultureInfo.InvariantCulture)}";
    }

    // An optimizer keeps several tensors beside each parameter: STATE/NAME.
    private static string Kind(CheckpointTensor tensor) => tensor.Name.Split('/') is [var state, ..] && tensor.Kind == CheckpointTensor.OptimizerKind ? $"{tensor.Kind} {state}" : tensor.Kind;

    private static IReadOnlyList<string> Cells(CheckpointTensor tensor) =>
    [
        tensor.Name, tensor.Kind, tensor.DType, CheckpointWords.Shape(tensor.Shape), ProgressText.Count(tensor.Bytes()),
        tensor.Pieces.Count.ToString(CultureInfo.InvariantCulture),
    ];

    private static void Write(Utf8JsonWriter json, CheckpointReader reader, bool tensors)
    {
        json.WriteString("path", reader.Path);
        CheckpointWords.Write(json, reader.Manifest);
        if (reader.Manifest.Data is { } data)
            json.WriteNumber("samples", data.Samples);
        json.WriteNumber("seed", reader.Manifest.Random.Seed);
        if (reader.Manifest.Fixed is { } left)
            json.WriteNumber("fixed_elements_left_out", left.Elements);
        if (!tensors)
            return;
        json.WriteStartArray("contents");
        foreach (var tensor in reader.Manifest.Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("kind", tensor.Kind);
            json.WriteString("dtype", tensor.DType);
            json.WriteStartArray("shape");
            foreach (var size in tensor.Shape)
                json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteNumber("bytes", tensor.Bytes());
            json.WriteNumber("pieces", tensor.Pieces.Count);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

using System.Text.Json;

namespace NetZero.Training;

/// <summary>What <c>metrics.jsonl</c> says of steps that were done before a run went on.</summary>
/// <param name="Bytes">Bytes of their lines: where the run goes on writing.</param>
/// <param name="First">The first of them.</param>
/// <param name="Last">The last of them.</param>
/// <param name="ValidationLoss">The last validation loss among them.</param>
internal sealed record EarlierSteps(long Bytes, StepMetrics? First, StepMetrics? Last, double? ValidationLoss)
{
    /// <summary>No steps.</summary>
    public static EarlierSteps None { get; } = new(0, null, null, null);
}

/// <summary>Reads <c>metrics.jsonl</c>.</summary>
internal static class MetricsReader
{
    /// <summary>The lines of steps before <paramref name="step"/>. A crash may have left later ones, and a last one that is cut off: reading ends before either.</summary>
    /// <exception cref="IOException">The file is there and cannot be read.</exception>
    public static EarlierSteps Before(string path, long step)
    {
        var found = EarlierSteps.None;
        if (!File.Exists(path))
            return found;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1 << 16);
        var line = new List<byte>();
        for (int next; (next = file.ReadByte()) >= 0;)
        {
            line.Add((byte)next);
            if (next != '\n')
                continue;
            if (TryParse([.. line]) is not { } metrics || metrics.Step >= step)
                break;
            found = new EarlierSteps(found.Bytes + line.Count, found.First ?? metrics, metrics, metrics.ValidationLoss ?? found.ValidationLoss);
            line.Clear();
        }

        return found;
    }

    private static StepMetrics? TryParse(byte[] line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            return new StepMetrics(
                root.GetProperty("step").GetInt32(), Real(root, "loss"), Real(root, "grad_norm"), Real(root, "learning_rate"), root.GetProperty("tokens").GetInt64(),
                Real(root, "tokens_per_second"), Real(root, "step_seconds"), root.TryGetProperty("validation_loss", out _) ? Real(root, "validation_loss") : null);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    // What is no number stands as text, such as "NaN"; see StepMetrics.WriteReal.
    private static double Real(JsonElement line, string name) => line.GetProperty(name) is { ValueKind: JsonValueKind.String } text
        ? double.Parse(text.GetString()!, System.Globalization.CultureInfo.InvariantCulture)
        : line.GetProperty(name).GetDouble();
}

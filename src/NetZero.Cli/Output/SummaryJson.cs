using System.Text;
using System.Text.Json;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>The end of a run as one JSON object on one line.</summary>
internal static class SummaryJson
{
    public static void Write(TextWriter output, RunSummary summary)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            Write(json, summary);
        output.WriteLine(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }

    private static void Write(Utf8JsonWriter json, RunSummary summary)
    {
        json.WriteStartObject();
        json.WriteString("output_dir", summary.OutputDirectory);
        json.WriteStartArray("files");
        foreach (var file in summary.Files)
            json.WriteStringValue(file);
        json.WriteEndArray();
        json.WriteBoolean("cancelled", summary.Cancelled);
        json.WriteNumber("steps_done", summary.StepsDone);
        json.WriteNumber("steps", summary.Steps);
        JsonNumbers.Write(json, "first_loss", summary.FirstLoss);
        JsonNumbers.Write(json, "last_loss", summary.LastLoss);
        JsonNumbers.Write(json, "validation_loss", summary.ValidationLoss);
        JsonNumbers.Write(json, "unigram_entropy", summary.UnigramEntropy);
        JsonNumbers.Write(json, "tokens_per_second", summary.TokensPerSecond);
        JsonNumbers.Write(json, "seconds", summary.Seconds);
        json.WriteStartArray("peak_bytes");
        foreach (var rank in summary.Memory)
        {
            json.WriteStartObject();
            foreach (var (kind, name) in KindBytes.Names)
                json.WriteNumber(name, rank.Peak[kind]);
            json.WriteNumber("total", rank.Peak.Total);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (summary.Sample is not null)
            json.WriteString("sample", summary.Sample);
        json.WriteEndObject();
    }
}

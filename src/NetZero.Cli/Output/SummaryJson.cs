using NetZero.Training;

namespace NetZero.Cli;

/// <summary>The end of a run as one JSON object on one line.</summary>
internal static class SummaryJson
{
    public static void Write(TextWriter output, RunSummary summary) => JsonLine.Write(output, json =>
    {
        json.WriteString("output_dir", summary.OutputDirectory);
        json.WriteStartArray("files");
        foreach (var file in summary.Files)
            json.WriteStringValue(file);
        json.WriteEndArray();
        json.WriteBoolean("cancelled", summary.Cancelled);
        json.WriteBoolean("stopped", summary.Stopped);
        if (summary.EarlyStop is { } early)
        {
            json.WriteStartObject("early_stop");
            JsonLine.Number(json, "best_loss", early.BestLoss);
            json.WriteNumber("best_step", early.BestStep);
            json.WriteNumber("evaluations", early.Evaluations);
            json.WriteEndObject();
        }

        if (summary.Checkpoint is { } checkpoint)
            json.WriteString("checkpoint", checkpoint);
        if (summary.ResumedFrom is { } step)
            json.WriteNumber("resumed_from", step);
        json.WriteNumber("steps_done", summary.StepsDone);
        json.WriteNumber("steps", summary.Steps);
        JsonLine.Number(json, "first_loss", summary.FirstLoss);
        JsonLine.Number(json, "last_loss", summary.LastLoss);
        JsonLine.Number(json, "validation_loss", summary.ValidationLoss);
        JsonLine.Number(json, "unigram_entropy", summary.UnigramEntropy);
        JsonLine.Number(json, "tokens_per_second", summary.TokensPerSecond);
        JsonLine.Number(json, "seconds", summary.Seconds);
        json.WriteStartArray("slow_ranks");
        foreach (var straggler in summary.Stragglers)
            json.WriteNumberValue(straggler.Rank);
        json.WriteEndArray();
        json.WriteStartArray("peak_bytes");
        foreach (var rank in summary.Memory)
            rank.Peak.WriteTo(json);
        json.WriteEndArray();
        json.WriteBoolean("diverged", summary.Diverged);
        if (summary.Sample is not null)
            json.WriteString("sample", summary.Sample);
    });
}

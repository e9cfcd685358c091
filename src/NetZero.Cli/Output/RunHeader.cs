using System.Globalization;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>What a run is, in a few lines before its first step.</summary>
internal static class RunHeader
{
    public static IEnumerable<string> Lines(RunStart start)
    {
        var c = start.Configuration;
        var m = c.Model;
        var from = c.InitFrom is null ? "" : $", from {c.InitFrom}";
        yield return $"model   gpt2 with {ProgressText.Count(m.Layers, "layer")}, {ProgressText.Count(m.Heads, "head")}, hidden {m.Embedding}: {Millions(start.ParameterCount)} parameters{from}";
        if (start.AdapterParameterCount is > 0 and var adapters)
        {
            var share = (100.0 * adapters / start.ParameterCount).ToString("N2", CultureInfo.InvariantCulture);
            yield return $"lora    r {c.Lora.Rank} on {string.Join(", ", c.Lora.TargetModules)}: {Millions(adapters)} parameters are trained, {share} %";
        }

        yield return $"text    {ProgressText.Count(start.TextTokens, "token")}, {ProgressText.Count(start.SampleCount, "sample")} of "
            + $"{c.Data.SequenceLength}{SkippedNote(start.Skipped)}";
        yield return $"step    {ProgressText.Count(c.TrainBatchSize, "sample")} = {ProgressText.Count(c.Ranks, "rank")} x {ProgressText.Count(c.AccumulationSteps, "micro-batch")} "
            + $"x {c.MicroBatchSize}, {ProgressText.Count(c.TokensPerStep, "token")}; {c.Zero.ToPolicy().Title}, {ProgressText.Count(c.ThreadsPerRank, "thread")} per rank";
        yield return $"output  {start.OutputDirectory}";
    }

    private static string Millions(long count) =>
        count < 100_000 ? ProgressText.Count(count) : (count / 1e6).ToString("N1", CultureInfo.InvariantCulture) + " million";

    private static string SkippedNote(IReadOnlyList<SkippedPath> skipped) => skipped.Count == 0
        ? ""
        : $" (passed over: {string.Join(", ", skipped.CountBy(s => s.Reason).Select(group => $"{group.Value} {group.Key}"))})";
}

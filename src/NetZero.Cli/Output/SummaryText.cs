using System.Globalization;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>The end of a run as text.</summary>
internal static class SummaryText
{
    public static void Write(TextWriter output, RunSummary summary)
    {
        output.WriteLine();
        if (summary.Stopped)
        {
            output.WriteLine(
                $"stopped after {summary.StepsDone} of {summary.StepsInAll} steps and saved {summary.Checkpoint}; --resume goes on from there");
        }

        if (summary.Cancelled)
            output.WriteLine($"stopped after {summary.StepsDone} of {summary.StepsInAll} steps; kept: {Files(summary)}");
        else if (summary.EarlyStop is { } early)
            output.WriteLine(Early(summary, early));
        else if (!summary.Stopped && summary.StepsDone < summary.Steps)
            output.WriteLine($"the text was at its end after {summary.StepsDone} of {summary.Steps} steps");
        if (summary is { FirstLoss: { } first, LastLoss: { } last })
        {
            var unigram = summary.UnigramEntropy is { } h ? $" (unigram entropy of the text {ProgressText.Real(h)})" : "";
            output.WriteLine($"loss    {ProgressText.Real(first)} -> {ProgressText.Real(last)} nats per token{unigram}");
        }
        if (summary.ValidationLoss is { } validation)
            output.WriteLine($"        {ProgressText.Real(validation)} on the validation text, perplexity {ProgressText.Perplexity(Math.Exp(validation))}");
        if (summary.StepsDone > 0)
        {
            output.WriteLine(
                $"speed   {ProgressText.Speed(summary.TokensPerSecond)} in the median step, {ProgressText.Time(TimeSpan.FromSeconds(summary.Seconds))} in all");
        }
        foreach (var straggler in summary.Stragglers)
            output.WriteLine($"slow    {straggler}");
        if (summary.Memory.Count > 0)
            WriteMemory(output, summary.Memory);
        if (!summary.Cancelled)
            output.WriteLine($"files   {summary.OutputDirectory}: {Files(summary)}");
        if (summary.Sample is { } sample)
            WriteSample(output, sample);
        if (summary.Diverged)
            output.WriteLine("sample  none: the weights have diverged; train again with a lower 'optimizer.params.lr', or go on from an earlier checkpoint");
    }

    private static string Early(RunSummary summary, EarlyStop early)
    {
        var lowest = early.BestLoss is { } loss ? $"the validation loss was lowest, {ProgressText.Real(loss)}, after step {early.BestStep}" : "the validation loss was never a number";
        return $"stopped early after {summary.StepsDone} of {summary.StepsInAll} steps: {lowest}, and "
            + $"{early.Evaluations} evaluation{(early.Evaluations == 1 ? "" : "s")} since were not lower";
    }

    private static string Files(RunSummary summary)
    {
        if (summary.Files.Count == 0)
            return "nothing";
        var files = string.Join(", ", summary.Files);
        return summary.Cancelled ? $"{files} in {summary.OutputDirectory}" : files;
    }

    // The kinds stand in rows and the ranks in columns: there are always the same kinds, and ranks are few where a person reads this.
    private static void WriteMemory(TextWriter output, IReadOnlyList<RankMemory> ranks)
    {
        output.WriteLine($"memory  {"peak by kind",-24}{Columns(ranks, rank => $"rank {rank.Rank}")}");
        foreach (var (kind, name) in KindBytes.Names)
        {
            if (ranks.Any(rank => rank.Peak[kind] > 0))
                output.WriteLine($"        {name,-24}{Columns(ranks, rank => ByteSize.Show(rank.Peak[kind]))}");
        }
        output.WriteLine($"        {"all kinds together",-24}{Columns(ranks, rank => ByteSize.Show(rank.Peak.Total))}");
        output.WriteLine($"        {"model states at update",-24}{Columns(ranks, rank => ByteSize.Show(rank.ModelStateBytes))}");
        output.WriteLine($"        {"the formula says",-24}{Columns(ranks, rank => ByteSize.Show(rank.ModelStateBytesExpected))}");
    }

    private static string Columns(IReadOnlyList<RankMemory> ranks, Func<RankMemory, string> cell) =>
        string.Concat(ranks.Select(rank => string.Format(CultureInfo.InvariantCulture, "{0,12}", cell(rank))));

    private static void WriteSample(TextWriter output, string sample)
    {
        output.WriteLine("sample");
        foreach (var line in sample.ReplaceLineEndings("\n").Split('\n'))
            output.WriteLine("  | " + Printable.Text(line));
    }
}

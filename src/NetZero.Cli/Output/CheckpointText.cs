using NetZero.Checkpoints;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>What becomes of checkpoints, in lines.</summary>
internal static class CheckpointText
{
    public static IEnumerable<string> Lines(ResumeReport report)
    {
        foreach (var damaged in report.PassedOver)
            yield return $"damaged {damaged}";
        yield return report.Checkpoint is { } checkpoint ? $"resume  {checkpoint}, {report.Step} steps behind it" : $"resume  no checkpoint in {report.Folder}: starting fresh";
        foreach (var change in report.Changes)
            yield return $"        {change}";
    }

    public static string Line(SaveReport report) => report.Failure is { } failure
        ? $"checkpoint of step {report.Step}: {failure.ReplaceLineEndings(" ")}"
        : $"checkpoint {Path.GetFileName(report.Path)}  {ByteSize.Show(report.Bytes)}  {ProgressText.Real(report.Seconds)} s{(report.Stored is { } stored ? $"  -> {stored}" : "")}";
}

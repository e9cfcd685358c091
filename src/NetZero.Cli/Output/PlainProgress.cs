using NetZero.Checkpoints;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>Progress as lines, for logs and pipes. Peaks of memory are written when they rise.</summary>
internal sealed class PlainProgress(TextWriter output) : ITrainingObserver
{
    private int _every = 1;
    private IReadOnlyList<KindBytes> _shown = [];

    public void OnStart(RunStart start)
    {
        _every = start.Configuration.LogEvery;
        foreach (var line in RunHeader.Lines(start))
            output.WriteLine(line);
        output.Flush();
    }

    public void OnStep(StepReport report)
    {
        var last = report.Metrics.Step == report.Steps - 1;
        if (report.Metrics.Step % _every != 0 && !last)
            return;
        output.WriteLine(ProgressText.Line(report));
        if (MemoryText.Rose(_shown, report.PeakMemory))
        {
            _shown = report.PeakMemory;
            foreach (var line in MemoryText.Lines(report.PeakMemory))
                output.WriteLine("  " + line);
        }
        output.Flush();
    }

    public void OnResume(ResumeReport report)
    {
        foreach (var line in CheckpointText.Lines(report))
            output.WriteLine(line);
        output.Flush();
    }

    public void OnCheckpoint(SaveReport report)
    {
        output.WriteLine(CheckpointText.Line(report));
        output.Flush();
    }

    public void OnStraggler(StragglerReport report)
    {
        output.WriteLine($"warning: {report}");
        output.Flush();
    }

    public void OnNotice(string notice)
    {
        output.WriteLine($"note: {notice}");
        output.Flush();
    }

    public void OnEvaluation(EvaluationReport report)
    {
        output.WriteLine(ProgressText.Line(report));
        output.Flush();
    }
}

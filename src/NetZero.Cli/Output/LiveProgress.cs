using NetZero.Checkpoints;
using NetZero.Tensors;
using NetZero.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace NetZero.Cli;

/// <summary>Progress as a table that is drawn over and over, for a terminal.</summary>
/// <remarks>Reports are only kept by the training thread; drawing goes on beside it, so that a slow terminal does not slow a step.</remarks>
internal sealed class LiveProgress : ITrainingObserver
{
    private static readonly TimeSpan DrawEvery = TimeSpan.FromMilliseconds(150);

    private volatile RunStart? _start;
    private volatile StepReport? _report;
    private volatile EvaluationReport? _evaluation;
    private volatile ResumeReport? _resume;
    private volatile SaveReport? _checkpoint;
    private volatile StragglerReport? _straggler;
    private double _firstLoss = double.NaN;

    private LiveProgress()
    {
    }

    public static async Task<RunSummary> RunAsync(ITerminal terminal, Func<ITrainingObserver, Task<RunSummary>> train)
    {
        var progress = new LiveProgress();
        var training = Task.Run(() => train(progress));
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Out) });
        while (progress._start is null && !training.IsCompleted)
            await Task.WhenAny(training, Task.Delay(DrawEvery));
        if (progress._start is { } start)
        {
            foreach (var line in RunHeader.Lines(start))
                terminal.Out.WriteLine(line);
            await console.Live(new Text("")).StartAsync(async context =>
            {
                while (!training.IsCompleted)
                {
                    context.UpdateTarget(progress.Draw());
                    await Task.WhenAny(training, Task.Delay(DrawEvery));
                }
                context.UpdateTarget(progress.Draw());
            });
        }
        return await training;
    }

    public void OnStart(RunStart start) => _start = start;

    public void OnStep(StepReport report)
    {
        if (double.IsNaN(_firstLoss))
            _firstLoss = report.Metrics.Loss;
        if (report.Metrics.Step % _start!.Configuration.LogEvery == 0 || report.Metrics.Step == report.Steps - 1)
            _report = report;
    }

    public void OnResume(ResumeReport report) => _resume = report;

    public void OnCheckpoint(SaveReport report) => _checkpoint = report;

    public void OnStraggler(StragglerReport report) => _straggler = report;

    public void OnEvaluation(EvaluationReport report) => _evaluation = report;

    private IRenderable Draw()
    {
        var rows = new List<IRenderable>();
        if (_resume is { } resume)
            rows.AddRange(CheckpointText.Lines(resume).Select(line => new Text(line)));
        if (_report is { } report)
            rows.AddRange([Numbers(report), Memory(report.PeakMemory)]);
        else
            rows.Add(new Text("first step ..."));
        if (_checkpoint is { } checkpoint)
            rows.Add(new Text(CheckpointText.Line(checkpoint)));
        if (_straggler is { } straggler)
            rows.Add(new Text($"warning: {straggler}"));
        return new Rows(rows);
    }

    private Table Numbers(StepReport report)
    {
        var m = report.Metrics;
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var name in (ReadOnlySpan<string>)["step", "loss", "first loss", "grad norm", "learning rate", "tokens/s", "left"])
            table.AddColumn(new TableColumn(name).RightAligned());
        var cells = new List<string>
        {
            $"{m.Step + 1}/{report.Steps}", ProgressText.Real(m.Loss), ProgressText.Real(_firstLoss), ProgressText.Real(m.GradientNorm),
            ProgressText.Rate(m.LearningRate), ProgressText.Count((long)m.TokensPerSecond), ProgressText.Time(report.TimeLeft),
        };
        if (_evaluation is { } evaluation)
        {
            table.AddColumn(new TableColumn("validation").RightAligned());
            table.AddColumn(new TableColumn("perplexity").RightAligned());
            cells.AddRange([ProgressText.Real(evaluation.Loss), ProgressText.Perplexity(evaluation.Perplexity)]);
        }
        if (m.LossScale is not null)
        {
            table.AddColumn(new TableColumn("loss scale").RightAligned());
            cells.Add(ProgressText.LossScale(m));
        }
        return table.AddRow([.. cells]);
    }

    private static Table Memory(IReadOnlyList<KindBytes> ranks)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("peak memory");
        foreach (var (_, name) in KindBytes.Names)
            table.AddColumn(new TableColumn(name).RightAligned());
        table.AddColumn(new TableColumn("together").RightAligned());
        for (var rank = 0; rank < ranks.Count; rank++)
        {
            var bytes = ranks[rank];
            table.AddRow([$"rank {rank}", .. KindBytes.Names.Select(kind => ByteSize.Show(bytes[kind.Kind])), ByteSize.Show(bytes.Total)]);
        }
        return table;
    }
}

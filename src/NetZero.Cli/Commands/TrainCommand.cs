using System.CommandLine;
using NetZero.Collectives;
using NetZero.Stores;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero train</c>: trains a model as a configuration says, on threads, as one of several processes, or by starting these.</summary>
internal sealed class TrainCommand
{
    private const string ResumeAuto = "auto";

    private readonly Argument<string> _file = new("CONFIG") { Description = "The run's configuration, a JSON file." };

    private readonly Option<string?> _ranks = new("--ranks")
    {
        Description = "How many ranks share the model, as threads; the same as --set ranks=N.",
        HelpName = "N",
    };

    private readonly Option<int> _processes = new("--processes")
    {
        Description = "How many ranks share the model, as processes of this machine; short for netzero launch.",
        HelpName = "N",
    };

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Overrides a key of the configuration, for example --set data.train=book.txt. May be repeated.",
        HelpName = "KEY=VALUE",
    };

    private readonly Option<string?> _output = new("--output")
    {
        Description = "Where the run is written; the same as --set output_dir=DIR. By default a new folder under runs/.",
        HelpName = "DIR",
    };

    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace the run that the output folder holds." };
    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "Go on from a checkpoint: the newest of the output folder and the run's store that verifies (auto), or the one of this folder or place in a store.",
        HelpName = "auto|PATH",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _trace = new("--trace") { Description = "Also write trace.json, a timeline for chrome://tracing or Perfetto." };
    private readonly Option<bool> _json = new("--json") { Description = "Print nothing but one JSON object, the summary." };

    /// <summary>The verb.</summary>
    public Command Create(ITerminal terminal, RunTraining train, RunLaunch launch, Interrupts interrupts)
    {
        var command = Options();
        command.SetAction((parsed, cancellation) =>
        {
            if (parsed.GetResult(_processes) is not null)
                return LaunchAsync(parsed, parsed.GetValue(_processes), default, terminal, launch, interrupts, cancellation);
            var worker = WorkerEnvironment.Detect();
            var configuration = Configuration(parsed, worker?.WorldSize);
            var options = Given(parsed) with { Worker = worker };
            if (configuration.Checkpoints.IsOn)
                options = options with { Stop = FinishFirst(interrupts, terminal, worker) };
            return RunAsync(configuration, options, train, terminal, parsed.GetValue(_json), cancellation);
        });
        return command;
    }

    /// <summary>Starts the ranks of a training as processes.</summary>
    /// <param name="trailing">The verb <c>train</c> and its arguments.</param>
    /// <param name="processes">How many.</param>
    /// <param name="elastic">Whether and how they go on after a failure.</param>
    /// <param name="terminal">Where to write.</param>
    /// <param name="launch">Starts them.</param>
    /// <param name="interrupts">Asks them to save and end.</param>
    /// <param name="cancellation">Ends them.</param>
    public Task<int> LaunchAsync(
        IReadOnlyList<string> trailing, int processes, ElasticOptions elastic, ITerminal terminal, RunLaunch launch, Interrupts interrupts,
        CancellationToken cancellation)
    {
        if (trailing is not ["train", ..])
            throw new ConfigurationException("launch starts 'train': write netzero launch --nproc N -- train CONFIG ...");
        var parsed = Options().Parse([.. trailing.Skip(1)], new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
            throw new ConfigurationException($"{parsed.Errors[0].Message} (see netzero train --help)");
        if (parsed.GetResult(_processes) is not null)
            throw new ConfigurationException("launch has --nproc; leave --processes out");
        return LaunchAsync(parsed, processes, elastic, terminal, launch, interrupts, cancellation);
    }

    private Command Options() => new("train", "Trains a model as a configuration says.")
    {
        _file, _ranks, _processes, _set, _output, _overwrite, _resume, _trace, _json,
    };

    // What is asked for beyond the configuration.
    private TrainingOptions Given(ParseResult parsed) => new()
    {
        Overwrite = parsed.GetValue(_overwrite),
        Trace = parsed.GetValue(_trace),
        Resume = parsed.GetResult(_resume) is null ? null : parsed.GetValue(_resume) ?? ResumeAuto,
        Stores = S3CheckpointStore.Open,
    };

    private static CancellationToken FinishFirst(Interrupts interrupts, ITerminal terminal, WorkerEnvironment? worker)
    {
        var speaks = worker is not { HasLauncher: true };
        interrupts.FinishFirst(() => { if (speaks) terminal.Error.WriteLine("finishing the step and saving a checkpoint; once more ends at once"); }, always: !speaks);
        return interrupts.Finish;
    }

    private Task<int> LaunchAsync(
        ParseResult parsed, int processes, ElasticOptions elastic, ITerminal terminal, RunLaunch launch, Interrupts interrupts, CancellationToken cancellation)
    {
        if (processes < 1)
            throw new ConfigurationException($"the number of processes is {processes}; expected a whole number, at least 1");

        // What is wrong is said once, before there are processes; and all are told the same folder.
        var configuration = Configuration(parsed, processes);
        var folder = RunFolder.Check(configuration, Given(parsed)).FullPath;
        List<string> common = ["train", parsed.GetValue(_file)!, "--output", folder];
        foreach (var item in parsed.GetValue(_set) ?? [])
            common.AddRange(["--set", item]);
        if (parsed.GetValue(_trace))
            common.Add("--trace");
        if (parsed.GetValue(_json))
            common.Add("--json");
        List<string> beginning = [];
        if (parsed.GetValue(_overwrite))
            beginning.Add("--overwrite");
        if (Given(parsed).Resume is { } resume)
            beginning.AddRange(["--resume", resume]);
        var replaces = parsed.GetValue(_overwrite) ? new ReplacementMark(folder) : null;
        var restarts = RestartsOf(configuration, elastic, common, beginning, replaces);
        if (restarts is not null)
            replaces?.Set();
        var stop = configuration.Checkpoints.IsOn ? FinishFirst(interrupts, terminal, worker: null) : default;
        interrupts.EndWithin = Launching.EndWithin;
        return launch(
            new LaunchRequest(processes, [.. common, .. beginning], Path.Combine(folder, "ranks"), folder, stop, restarts), terminal,
            cancellation);
    }

    // Ranks that start again go on from the newest checkpoint; or begin as the first did, as long as the run that they replace is there.
    private static RestartRequest? RestartsOf(
        RunConfiguration configuration, ElasticOptions elastic, List<string> common, List<string> beginning, ReplacementMark? replaces)
    {
        if (elastic.MaxRestarts < 0)
            throw new ConfigurationException($"--max-restarts is {elastic.MaxRestarts}; expected a whole number, at least 0");
        if (elastic.LeastProcesses is { } least && (elastic.MaxRestarts == 0 || least < 1 || least > configuration.Ranks))
            throw new ConfigurationException($"--min-nproc is {least}; expected a whole number from 1 to --nproc, which is {configuration.Ranks}, together with --max-restarts");
        if (elastic.MaxRestarts == 0)
            return null;
        if (!configuration.Checkpoints.IsOn)
            throw new ConfigurationException("--max-restarts goes on from checkpoints; set checkpoint.every_steps or checkpoint.every_minutes");
        return new RestartRequest(
            elastic.MaxRestarts, elastic.LeastProcesses is { } fewest ? ElasticWorlds.Below(configuration, fewest) : [], world =>
            {
                var (micro, accumulation) = ElasticWorlds.Batches(configuration, world);
                return
                [
                    .. common,
                    "--set", $"train_batch_size={configuration.TrainBatchSize}", "--set", $"train_micro_batch_size_per_gpu={micro}",
                    "--set", $"gradient_accumulation_steps={accumulation}",
                    .. replaces is { IsSet: true } ? beginning : ["--resume", ResumeAuto],
                ];
            });
    }

    private RunConfiguration Configuration(ParseResult parsed, int? processes)
    {
        var path = parsed.GetValue(_file)!;
        var overrides = new List<string>(parsed.GetValue(_set) ?? []);
        if (parsed.GetValue(_ranks) is { } n)
        {
            if (processes is { } size && n != $"{size}")
                throw new ConfigurationException($"--ranks is {n}, but the ranks are {size} processes; leave --ranks out");
            overrides.Add($"ranks={n}");
        }

        if (processes is { } count)
            overrides.Add($"ranks={count}");
        if (parsed.GetValue(_output) is { } folder)
            overrides.Add($"output_dir={folder}");
        var configuration = RunConfiguration.Load(path, overrides);
        return configuration.OutputDirectory is null
            ? configuration with { OutputDirectory = RunFolder.PathFor(Path.GetFileNameWithoutExtension(path), Given(parsed).Resume) }
            : configuration;
    }

    private static async Task<int> RunAsync(
        RunConfiguration configuration, TrainingOptions options, RunTraining train, ITerminal terminal, bool json, CancellationToken cancellation)
    {
        RunSummary summary;
        if (options.Worker is { Rank: > 0 })
        {
            // Rank 0 speaks for all.
            summary = await train(configuration, options, new SilentObserver(), cancellation);
            return summary.Cancelled ? ExitCodes.Interrupted : ExitCodes.Success;
        }

        if (json)
            summary = await train(configuration, options, new SilentObserver(), cancellation);
        else if (terminal.IsInteractive && options.Worker is null)
            summary = await LiveProgress.RunAsync(terminal, observer => train(configuration, options, observer, cancellation));
        else
            summary = await train(configuration, options, new PlainProgress(terminal.Out), cancellation);

        if (json)
            SummaryJson.Write(terminal.Out, summary);
        else
            SummaryText.Write(terminal.Out, summary);
        return summary.Cancelled ? ExitCodes.Interrupted : ExitCodes.Success;
    }

    private sealed class SilentObserver : ITrainingObserver;
}
